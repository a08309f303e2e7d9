// Any line is a reply or an error; no text of a server has control characters; what was understood is within
// its limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/pop3/reply_parser.h"
#include "proto/smtp/data_decoder.h"

using namespace posthorn;
using namespace posthorn::pop3;

namespace {

bool clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_line(std::string_view line) {
  if (const auto reply = parse_reply(line)) CHECK(clean(reply->text) && clean(reply->code));
  (void)parse_listing(line);
  if (const auto id = parse_unique_id(line))
    CHECK(id->number > 0 && !id->id.empty() && id->id.size() <= ReplyLimits().unique_id && clean(id->id));
  Capabilities capabilities;
  add_capability(capabilities, line);
  const auto stamp = find_timestamp(line);
  CHECK(stamp.empty() || (stamp.front() == '<' && stamp.back() == '>' && clean(stamp)));
}

// What a multi-line answer gives does not depend on how it is cut.
std::string decode(std::string_view in, std::size_t step) {
  smtp::DataDecoder decoder;
  std::string out;
  while (!in.empty() && !decoder.done()) {
    auto piece = in.substr(0, step);
    const auto before = piece.size();
    for (auto part = decoder.next(piece); !part.empty(); part = decoder.next(piece)) out += part;
    in.remove_prefix(before - piece.size());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto rest = text; !rest.empty();) {
    const auto lf = std::min(rest.find('\n'), rest.size() - 1);
    check_line(rest.substr(0, lf));
    rest.remove_prefix(lf + 1);
  }
  CHECK(decode(text, size) == decode(text, 1));
  return 0;
}
