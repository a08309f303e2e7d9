// Any bytes: what is made for a host fits it, is made only once, and has the same parts with the same content.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "message/downgrade_checks.h"

namespace {

using namespace posthorn;
using namespace posthorn::message;

void check_same_parts(const Summary& before, std::string_view message, const Summary& after, std::string_view converted) {
  CHECK(before.parts.size() == after.parts.size());
  for (std::size_t i = 0; i < before.parts.size(); ++i) {
    const Part &a = before.parts[i], &b = after.parts[i];
    CHECK(a.type == b.type && a.subtype == b.subtype && a.parent == b.parent);
    if (a.first_child != kNoPart || b.first_child != kNoPart) continue;
    std::string was = decoded_body(a, message), is = decoded_body(b, converted);
    if (b.body.offset + b.body.size == after.size && is.size() == was.size() + 2) was += "\r\n";  // the end of the message
    CHECK(was == is);
  }
}

// A message/global that was encoded is no tree any more, and where bytes outside of parts or controls in headers had to go,
// what they meant may have changed.
bool keeps_tree(const Summary& summary, const ContentFacts& facts, const DowngradePlan& plan) {
  if (plan.mend_between) return false;
  return std::ranges::none_of(facts.pieces, [&](const Piece& piece) {
    if (piece.kind == Piece::Kind::header) return piece.bytes.content == Content::binary;
    return piece.kind == Piece::Kind::body && summary.parts[piece.part].is_message();
  });
}

void check(std::string_view message, const HostTakes& host, std::size_t cut) {
  const Summary summary = parse_message(message);
  const ContentFacts facts = scan_in_pieces(summary, message, message.size() + 1);
  const ContentFacts again = scan_in_pieces(summary, message, cut);
  CHECK(facts.whole == again.whole && facts.between == again.between && facts.pieces.size() == again.pieces.size());
  for (std::size_t i = 0; i < facts.pieces.size(); ++i) CHECK(facts.pieces[i].bytes == again.pieces[i].bytes);

  const DowngradePlan plan = plan_downgrade(summary, facts, host);
  if (fits(facts.whole, host)) CHECK(plan.fit == Fit::as_is && plan.changes.empty());
  if (plan.fit == Fit::impossible) {
    CHECK(plan.status.starts_with("5.6.") && !plan.reason.empty());
    return;
  }
  CHECK(plan.fit == Fit::convert || facts.whole.content <= host.content);
  const std::string out = downgrade_in_pieces(summary, plan, message, message.size() + 1);
  CHECK(out == downgrade_in_pieces(summary, plan, message, cut));
  if (plan.fit == Fit::as_is) {
    CHECK(out == message);
    return;
  }
  const Summary after = parse_message(out);
  const ContentFacts facts_after = scan_in_pieces(after, out, out.size() + 1);
  CHECK(facts_after.whole.content <= host.content);
  if (!keeps_tree(summary, facts, plan)) return;
  check_same_parts(summary, message, after, out);
  CHECK(plan_downgrade(after, facts_after, host).fit == Fit::as_is);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // The last byte says how to cut, so that the seeds are plain messages.
  const std::size_t cut = 1 + static_cast<unsigned char>(input.back()) % 61;
  for (const auto content : {Content::seven_bit, Content::eight_bit})
    for (const std::size_t line : {std::size_t{0}, std::size_t{78}, kLineLimit}) check(input, {.content = content, .line = line}, cut);
  return 0;
}
