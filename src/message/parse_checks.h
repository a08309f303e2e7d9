// For tests and fuzzers: what must hold for any bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "message/parser.h"

namespace posthorn::message {

inline Summary parse_in_pieces(std::string_view message, std::size_t piece, Limits limits = {}) {
  Parser parser(limits);
  for (std::size_t at = 0; at < message.size(); at += piece) parser.feed(message.substr(at, piece));
  return parser.finish();
}

// Invariant 3 of Parser, and the shape of the tree.
inline void check_tree(const Summary& s) {
  auto end = [](const Range& r) { return r.offset + r.size; };
  CHECK(!s.parts.empty() && end(s.root().body) == s.size && s.root().header == (Range{0, s.header_size}));
  std::size_t messages = 1;
  for (PartIndex i = 0; i < s.parts.size(); ++i) {
    const Part& p = s.parts[i];
    CHECK(p.body.offset == end(p.header) && end(p.body) <= s.size && p.lines <= p.body.size);
    CHECK(p.is_multipart() || p.is_message() ? p.first_child == i + 1 : p.first_child == kNoPart);
    if (p.is_message()) {
      CHECK(p.envelope == messages++);
      CHECK(s.parts[p.first_child].header.offset == p.body.offset &&
            s.parts[p.first_child].next_sibling == kNoPart);
      CHECK(end(s.parts[p.first_child].body) == end(p.body));
    }
    if (i == 0) continue;
    CHECK(p.parent < i);
    const Part& parent = s.parts[p.parent];
    CHECK(p.header.offset >= parent.body.offset && end(p.body) <= end(parent.body));
    if (p.next_sibling == kNoPart) continue;
    CHECK(p.next_sibling > i && s.parts[p.next_sibling].parent == p.parent);
    CHECK(s.parts[p.next_sibling].header.offset >= end(p.body));
  }
  CHECK(s.envelopes.size() == messages);
}

inline void check_round_trip(const Summary& s) {
  const auto decoded = decode_summary(encode(s));
  CHECK(decoded && *decoded == s);
  const std::string stored = encode(s);
  const auto view = SummaryView::open(stored);
  CHECK(view && view->envelope() && *view->envelope() == s.envelope() && view->sent() == s.sent);
  CHECK(view->references() && *view->references() == s.references && view->size() == s.size);
}

}  // namespace posthorn::message
