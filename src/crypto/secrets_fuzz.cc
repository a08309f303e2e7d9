// Stored hashes and keys come from imports too: damaged text is an error, never a crash.
#include <cstddef>
#include <cstdint>

#include "crypto/password.h"
#include "crypto/scram.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto keys = crypto::parse_scram_keys(text))
    CHECK(crypto::parse_scram_keys(crypto::to_text(*keys)) == *keys);
  (void)crypto::verify_password("password", "$posthorn-sha256$" + std::string(text));
  // The cheapest cost there is: the fuzzer is to find damage, not to measure argon2.
  (void)crypto::verify_password("password", "$argon2id$v=19$m=8,t=1,p=1$" + std::string(text));
  return 0;
}
