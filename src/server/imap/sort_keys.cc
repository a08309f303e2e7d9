#include "server/imap/sort_keys.h"

#include <algorithm>

namespace posthorn::imap {
namespace {

// Departure: what is behind it does not count; 1,000,000 such keys must fit in 32 bits.
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kPrefix = 8;

struct Item {
  std::uint64_t prefix = 0;
  std::uint32_t message = 0;
  std::uint32_t place = 0;  // in the order so far
};

}  // namespace

void SortKeys::set(std::size_t message, std::string_view text) {
  auto& key = keys_[message];
  text = text.substr(0, kMaxText);
  for (std::size_t i = 0; i < kPrefix; ++i) key.prefix = key.prefix << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  if (text.size() <= kPrefix || pool_.size() > 0xFFFFFFFF - kMaxText) return;
  text.remove_prefix(kPrefix);
  key.offset = static_cast<std::uint32_t>(pool_.size());
  key.size = static_cast<std::uint32_t>(text.size());
  pool_ += text;
}

void SortKeys::sort(std::vector<std::uint32_t>& order, bool reverse) const {
  std::vector<Item> items;
  items.reserve(order.size());
  for (const auto message : order)
    items.push_back({reverse ? ~keys_[message].prefix : keys_[message].prefix, message, static_cast<std::uint32_t>(items.size())});
  const bool has_rests = !pool_.empty();
  std::ranges::sort(items, [&](const Item& a, const Item& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (has_rests)
      if (const int c = rest(keys_[a.message]).compare(rest(keys_[b.message])); c != 0) return reverse ? c > 0 : c < 0;
    return a.place < b.place;
  });
  for (std::size_t i = 0; i < items.size(); ++i) order[i] = items[i].message;
}

}  // namespace posthorn::imap
