// Whatever a value holds, the line stays one line of printable UTF-8 with the fields that were given.
#include <cstddef>
#include <cstdint>

#include "base/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = text.substr(0, size / 2), rest = text.substr(size / 2);
  const std::string line =
      log::format_line({}, log::Level::info, half, {{half, rest}, {"k", text}, {"end", 1}});
  CHECK(line.size() <= log::kMaxLine);
  CHECK(line.ends_with(" end=1") || line.ends_with(" ..."));
  bool quoted = false, escaped = false;
  for (const char c : line) {
    CHECK(static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
    if (escaped)
      escaped = false;
    else if (c == '\\')
      escaped = true;
    else if (c == '"')
      quoted = !quoted;
  }
  CHECK(!quoted && !escaped);
  return 0;
}
