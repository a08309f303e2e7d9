// What a stranger says in SCRAM: refused or taken apart without loss, never a crash.
#include <cstddef>
#include <cstdint>

#include "auth/scram_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  if (const auto first = auth::scram::parse_client_first(message)) {
    CHECK(first->gs2_header + first->bare == message);
    CHECK(!first->user.empty() && !first->nonce.empty());
    CHECK((first->binding == 'p') == !first->binding_type.empty());
  }
  if (const auto final = auth::scram::parse_client_final(message)) {
    CHECK(message.starts_with(final->without_proof + ",p="));
    CHECK(!final->binding.empty() && !final->nonce.empty() && !final->proof.empty());
  }
  return 0;
}
