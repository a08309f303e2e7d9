#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/result.h"

namespace posthorn::crypto {

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1);
  return out;
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
  return value;
}

}  // namespace posthorn::crypto
