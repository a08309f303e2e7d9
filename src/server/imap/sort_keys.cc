#include "server/imap/sort_keys.h"

#include <algorithm>

namespace posthorn::imap {
namespace {

// Departure: what is behind it does not count; 1,000,000 such keys must fit in 32 bits.
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kBlock = 8;

std::uint64_t first_bytes(std::string_view text) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kBlock; ++i) bytes = bytes << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  return bytes;
}

}  // namespace

void SortKeys::set(std::size_t message, std::string_view text) {
  auto& key = keys_[message];
  text = text.substr(0, kMaxText);
  key.prefix = first_bytes(text);
  if (text.size() <= kBlock || pool_.size() > 0xFFFFFFFF - kMaxText) return;
  text.remove_prefix(kBlock);
  key.offset = static_cast<std::uint32_t>(pool_.size());
  key.size = static_cast<std::uint32_t>(text.size());
  pool_ += text;
}

std::uint64_t SortKeys::block(const Key& key, std::size_t number) const {
  if (number == 0) return key.prefix;
  const auto text = rest(key).substr(std::min<std::size_t>((number - 1) * kBlock, key.size), kBlock);
  return first_bytes(text);
}

// Texts mostly differ in few places, behind a beginning that many share: comparing eight bytes at a time, and those of a run of equals
// only, spares most of the comparing.
void SortKeys::sort_run(std::span<Item> run, std::size_t number, bool reverse) const {
  bool has_more = false;
  for (Item& item : run) {
    const Key& key = keys_[item.message];
    item.block = reverse ? ~block(key, number) : block(key, number);
    has_more |= key.size > number * kBlock;
  }
  const auto before = [](const Item& a, const Item& b) { return a.block != b.block ? a.block < b.block : a.place < b.place; };
  if (!std::ranges::is_sorted(run, before)) std::ranges::sort(run, before);
  if (!has_more) return;
  for (auto begin = run.begin(); begin != run.end();) {
    const auto end = std::find_if(begin, run.end(), [&](const Item& item) { return item.block != begin->block; });
    if (end - begin > 1) sort_run({begin, end}, number + 1, reverse);
    begin = end;
  }
}

void SortKeys::sort(std::vector<std::uint32_t>& order, bool reverse) const {
  std::vector<Item> items;
  items.reserve(order.size());
  for (const auto message : order) items.push_back({.message = message, .place = static_cast<std::uint32_t>(items.size())});
  sort_run(items, 0, reverse);
  for (std::size_t i = 0; i < items.size(); ++i) order[i] = items[i].message;
}

}  // namespace posthorn::imap
