// Lines with a checksum, of the files that sync keeps. docs/formats/sync.md
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::sync {

// Fields with spaces between, then the checksum and LF.
void put_line(std::string& out, const std::vector<std::string>& fields);
// The fields of the first line of `rest`, which moves behind it; nullopt: it is damaged or not whole, and `rest` stays.
std::optional<std::vector<std::string_view>> take_line(std::string_view& rest);

std::string escaped(std::string_view name);    // as a field; never empty
std::string unescaped(std::string_view field);

template <class T>
std::optional<T> number(std::string_view digits);

}  // namespace posthorn::sync
