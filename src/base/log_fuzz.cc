// Whatever a value holds, the line stays one line of printable UTF-8 with the fields that were given, as text and as JSON.
#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "base/log_json.h"
#include "base/log_text.h"

namespace {

using namespace posthorn;

// Every quotation ends, and nothing would end the line.
void check_line(std::string_view line) {
  CHECK(line.size() <= log::kMaxLine);
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
}

// [RFC8259 7] Only escapes that JSON has, and no byte that is no UTF-8.
void check_json(std::string_view line) {
  while (!line.empty()) {
    const auto n = log::utf8_length(line);
    CHECK(n > 0);
    if (line.front() == '\\') {
      CHECK(line.size() > 1 && std::string_view("\"\\nrtu").find(line[1]) != std::string_view::npos);
      if (line[1] == 'u') CHECK(line.size() > 6 && line.substr(2, 4).find_first_not_of("0123456789abcdef") == std::string_view::npos);
      line.remove_prefix(2);
    } else {
      line.remove_prefix(n);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = text.substr(0, size / 2), rest = text.substr(size / 2);
  const auto line = log::format_line({}, log::Level::info, half, {{half, rest}, {"k", text}, {"end", 1}});
  check_line(line);
  CHECK(line.ends_with(" end=1") || line.ends_with(" ..."));
  const auto json = log::format_json_line({}, log::Level::info, half, {{half, rest}, {"k", text}, {"end", 1}});
  check_line(json);
  check_json(json);
  CHECK(json.ends_with("\"end\":1}") || json.ends_with("\"end_\":1}") || json.ends_with("\"cut\":true}"));
  return 0;
}
