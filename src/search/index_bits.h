// A set of indexes of a view, one bit each.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace posthorn::search {

class IndexBits {
 public:
  IndexBits() = default;
  explicit IndexBits(std::uint32_t size) : size_(size), words_((std::size_t{size} + 63) / 64) {}
  static IndexBits all(std::uint32_t size) {
    IndexBits out(size);
    out.set(0, size);
    return out;
  }

  std::uint32_t size() const { return size_; }
  bool test(std::uint32_t index) const { return words_[index / 64] >> (index % 64) & 1; }
  void set(std::uint32_t index) { words_[index / 64] |= std::uint64_t{1} << (index % 64); }
  void set(std::uint32_t from, std::uint32_t to) {  // [from, to)
    for (; from < to && from % 64 != 0; ++from) set(from);
    for (; to - from >= 64 && from < to; from += 64) words_[from / 64] = ~std::uint64_t{0};
    for (; from < to; ++from) set(from);
  }

  IndexBits& operator|=(const IndexBits& o) { return combine(o, [](auto a, auto b) { return a | b; }); }
  IndexBits& operator&=(const IndexBits& o) { return combine(o, [](auto a, auto b) { return a & b; }); }
  IndexBits& operator-=(const IndexBits& o) { return combine(o, [](auto a, auto b) { return a & ~b; }); }

  bool any() const {
    for (const auto word : words_)
      if (word != 0) return true;
    return false;
  }
  bool any(std::uint32_t from, std::uint32_t to) const {  // of [from, to); may say so of a neighbour
    for (auto w = from / 64; w * 64 < to; ++w)
      if (words_[w] != 0) return true;
    return false;
  }
  std::uint32_t count() const {
    std::uint32_t n = 0;
    for (const auto word : words_) n += static_cast<std::uint32_t>(std::popcount(word));
    return n;
  }
  // f(index), ascending.
  template <class F>
  void for_each(F f) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (auto rest = words_[w]; rest != 0; rest &= rest - 1)
        f(static_cast<std::uint32_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(rest))));
  }
  std::vector<std::uint32_t> indexes() const {
    std::vector<std::uint32_t> out;
    out.reserve(count());
    for_each([&](std::uint32_t index) { out.push_back(index); });
    return out;
  }

 private:
  template <class F>
  IndexBits& combine(const IndexBits& o, F f) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] = f(words_[w], o.words_[w]);
    return *this;
  }

  std::uint32_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace posthorn::search
