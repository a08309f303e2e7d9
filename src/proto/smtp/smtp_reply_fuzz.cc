// Any bytes are replies or an error, the same however they are cut; what was understood survives writing and reading.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/smtp/ehlo.h"
#include "proto/smtp/reply_parser.h"

using namespace posthorn;
using namespace posthorn::smtp;

namespace {

constexpr ReplyLimits kLimits{.line = 300, .lines = 8, .bytes = 1000};

struct Outcome {
  std::vector<Reply> replies;
  std::string error;
  std::size_t unread = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view in, std::size_t step) {
  Outcome out;
  ReplyParser parser(kLimits);
  while (!in.empty()) {
    std::string_view piece = in.substr(0, step);
    in.remove_prefix(piece.size());
    while (!piece.empty()) {
      auto got = parser.next(piece);
      CHECK(parser.raw().size() <= kLimits.bytes + kLimits.line + 3);
      if (!got) {
        out.error = got.error().text;
        return out;
      }
      if (*got) out.replies.push_back(std::move(**got));
      else CHECK(piece.empty());
    }
  }
  return out;
}

void check_reply(const Reply& reply) {
  CHECK(reply.code >= 200 && reply.code <= 599 && !reply.lines.empty() && reply.lines.size() <= kLimits.lines);
  CHECK(reply.enhanced.klass == 0 || reply.enhanced.klass == reply.code / 100);
  for (const auto& line : reply.lines)
    for (const char c : line) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  (void)parse_ehlo_reply(reply);
  ReplyParser parser;
  const auto text = to_string(reply);
  std::string_view in = text;
  // A text may look like an enhanced code once the first one is taken away: then it is no text any more.
  if (reply.enhanced.klass != 0) CHECK(parser.next(in).value() == reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto whole = read(in, in.size() + 1);
  CHECK(whole == read(in, 1));
  CHECK(whole == read(in, 1 + size % 7));
  for (const auto& reply : whole.replies) check_reply(reply);
  return 0;
}
