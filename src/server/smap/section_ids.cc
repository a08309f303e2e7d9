#include "server/smap/section_ids.h"

#include <charconv>

namespace posthorn::smap {
namespace {

using message::kNoPart;
using message::PartIndex;

PartIndex find_child(const message::Summary& summary, PartIndex parent, std::uint32_t number) {
  const auto& p = summary.parts[parent];
  if (p.is_message()) return number == 0 ? p.first_child : kNoPart;
  if (number == 0) return kNoPart;
  auto child = p.first_child;
  while (child != kNoPart && --number > 0) child = summary.parts[child].next_sibling;
  return child;
}

}  // namespace

// Parts stand in the order of the message, so siblings are met in order.
SectionIds::SectionIds(const message::Summary& summary) : summary_(summary), numbers_(summary.parts.size()) {
  std::vector<std::uint32_t> children(summary.parts.size());
  for (PartIndex i = 1; i < summary.parts.size(); ++i) {
    const auto parent = summary.parts[i].parent;
    numbers_[i] = summary.parts[parent].is_message() ? 0 : ++children[parent];
  }
}

std::string SectionIds::of(PartIndex part) const {
  std::string id;
  for (; summary_.parts[part].parent != kNoPart; part = summary_.parts[part].parent) id.insert(0, '.' + std::to_string(numbers_[part]));
  return '1' + id;
}

PartIndex find_section(const message::Summary& summary, std::string_view id) {
  if (id.empty()) return 0;
  if (!id.starts_with('1')) return kNoPart;
  id.remove_prefix(1);
  PartIndex part = 0;
  while (!id.empty() && part != kNoPart) {
    if (id.front() != '.') return kNoPart;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
    // No sign, and one way to write a number.
    if (error != std::errc() || (id[1] == '0' && end != id.data() + 2)) return kNoPart;
    id.remove_prefix(static_cast<std::size_t>(end - id.data()));
    part = find_child(summary, part, number);
  }
  return part;
}

}  // namespace posthorn::smap
