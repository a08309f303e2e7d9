// Reading what a place has written of a prepared message: words between slashes. [docs/formats/fetch.md]
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

namespace posthorn::fetch {

// Up to the next slash, which goes, too.
inline std::string_view take_part(std::string_view& in) {
  const auto end = std::min(in.find('/'), in.size());
  const auto part = in.substr(0, end);
  in.remove_prefix(std::min(in.size(), end + 1));
  return part;
}

// false: it is no number of this type.
template <class T>
bool take_number(std::string_view& in, T& out) {
  const auto part = take_part(in);
  const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), out);
  return error == std::errc() && stop == part.data() + part.size();
}

}  // namespace posthorn::fetch
