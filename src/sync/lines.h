// Lines with a checksum, of the files that sync keeps. docs/formats/sync.md
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::sync {

// Fields with spaces between, then the checksum and LF.
void put_line(std::string& out, const std::vector<std::string>& fields);
// Those of one line.
class Fields {
 public:
  static constexpr std::size_t kMost = 12;
  bool add(std::string_view field) { return size_ < kMost && (fields_[size_++] = field, true); }
  std::size_t size() const { return size_; }
  std::string_view front() const { return fields_.front(); }
  std::string_view operator[](std::size_t i) const { return fields_[i]; }

 private:
  std::array<std::string_view, kMost> fields_;
  std::size_t size_ = 0;
};
// The fields of the first line of `rest`, which moves behind it; nullopt: it is damaged or not whole, and `rest` stays.
std::optional<Fields> take_line(std::string_view& rest);

std::string escaped(std::string_view name);    // as a field; never empty
std::string unescaped(std::string_view field);

template <class T>
std::optional<T> number(std::string_view digits);

}  // namespace posthorn::sync
