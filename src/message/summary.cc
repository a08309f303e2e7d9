#include "message/summary.h"

namespace posthorn::message {
namespace {

PartIndex nth_child(const Summary& summary, PartIndex parent, std::uint32_t n) {
  PartIndex child = summary.parts[parent].first_child;
  while (n > 1 && child != kNoPart) {
    child = summary.parts[child].next_sibling;
    --n;
  }
  return child;
}

}  // namespace

PartIndex find_part(const Summary& summary, std::span<const std::uint32_t> numbers) {
  PartIndex part = 0;
  bool is_root = true;  // of the message or of an embedded one: the place where "1" may mean the part itself
  for (const std::uint32_t n : numbers) {
    if (n == 0) return kNoPart;
    // [RFC3501 6.4.5] The numbers below a message/rfc822 part are those of the embedded message.
    if (!is_root && summary.parts[part].is_message()) {
      part = summary.parts[part].first_child;
      is_root = true;
    }
    if (summary.parts[part].is_multipart()) {
      part = nth_child(summary, part, n);
    } else if (!is_root || n != 1) {
      return kNoPart;
    }
    if (part == kNoPart) return kNoPart;
    is_root = false;
  }
  return part;
}

std::optional<Range> find_section(const Summary& summary, std::span<const std::uint32_t> numbers,
                                  Section section) {
  if (numbers.empty()) {
    switch (section) {
      case Section::whole:
        return Range{0, summary.size};
      case Section::header:
        return summary.root().header;
      case Section::text:
        return summary.root().body;
      case Section::mime:
        return std::nullopt;
    }
  }
  const PartIndex index = find_part(summary, numbers);
  if (index == kNoPart) return std::nullopt;
  const Part& part = summary.parts[index];
  if (section == Section::whole) return part.body;
  if (section == Section::mime) return part.header;
  // [RFC3501 6.4.5] HEADER and TEXT with numbers refer to an embedded message.
  if (!part.is_message()) return std::nullopt;
  const Part& embedded = summary.parts[part.first_child];
  return section == Section::header ? embedded.header : embedded.body;
}

}  // namespace posthorn::message
