// Any user of the machine may write such a file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/log.h"
#include "server/drop/drop_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::drop;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto read = take_head(in);
  if (!read) return 0;
  std::string again;
  put_head(again, *read);
  std::string_view copy = again;
  const auto second = take_head(copy);
  CHECK(second && *second == *read && copy.empty());
  return 0;
}
