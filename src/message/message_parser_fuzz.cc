// Any bytes: the same Summary however they are cut, ranges inside the message, encode and decode without
// loss, search without end.
#include <cstdint>
#include <string>
#include <string_view>

#include "message/parse_checks.h"
#include "message/search_text.h"
#include "text/casemap.h"

namespace {

using namespace posthorn;
using namespace posthorn::message;

// Small limits are reached by small inputs.
constexpr Limits kSmall{.header_bytes = 200, .field_bytes = 60, .parts = 5, .depth = 4, .addresses = 3};

void check(std::string_view message, const Limits& limits, std::size_t piece) {
  const Summary s = parse_message(message, limits);
  CHECK(s.size == message.size());
  CHECK(s.parts.size() <= limits.parts);
  CHECK(parse_in_pieces(message, 1, limits) == s);
  CHECK(parse_in_pieces(message, piece, limits) == s);
  check_tree(s);
  check_round_trip(s);

  const ReadBytes read = [&](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
    CHECK(offset < message.size() && want > 0 && want <= message.size() - offset);
    return message.substr(offset, std::min(want, piece));
  };
  std::string all;
  CHECK(extract_search_text(s, SearchScope::text, read, [&](std::string_view utf8) {
    all += utf8;
    return true;
  }));
  const std::string normal = text::casemap(all);
  const std::string needle = text::casemap(all.substr(all.size() / 3, 5));
  const auto found = search_text_contains(s, SearchScope::text, needle, read);
  CHECK(found && *found == (normal.find(needle) != std::string::npos));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // The last byte says how to cut, so that the seeds are plain messages.
  const std::size_t piece = 1 + static_cast<unsigned char>(input.back()) % 61;
  check(input, {}, piece);
  check(input, kSmall, piece);
  // As a stored form it is damaged, most likely.
  if (const auto s = decode_summary(input)) check_tree(*s);
  (void)SummaryView::open(input);
  return 0;
}
