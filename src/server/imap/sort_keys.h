// The order of SORT: by one key at a time, from the least important to the most important one. [RFC5256 3]
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::imap {

// One criterion's key of every message: numbers or texts, not both.
class SortKeys {
 public:
  explicit SortKeys(std::size_t messages) : keys_(messages) {}

  void set(std::size_t message, std::int64_t number) { keys_[message].prefix = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63); }
  // Compared by bytes [RFC5051].  REQUIRES: each message at most once.
  void set(std::size_t message, std::string_view text);

  // Stable; so that of the messages with the same key the order stays, also when the key is reversed [RFC5256 3].
  void sort(std::vector<std::uint32_t>& order, bool reverse) const;

 private:
  struct Key {
    std::uint64_t prefix = 0;  // the number, or the first 8 bytes
    std::uint32_t offset = 0, size = 0;  // of the rest of the text in pool_
  };
  struct Item {
    std::uint64_t block = 0;
    std::uint32_t message = 0;
    std::uint32_t place = 0;  // in the order so far
  };
  std::string_view rest(const Key& key) const { return std::string_view(pool_).substr(key.offset, key.size); }
  std::uint64_t block(const Key& key, std::size_t number) const;
  // REQUIRES: the blocks before `number` are the same in all of the run.
  void sort_run(std::span<Item> run, std::size_t number, bool reverse) const;

  std::vector<Key> keys_;
  std::string pool_;
};

}  // namespace posthorn::imap
