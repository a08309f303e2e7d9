// What both forms of the log have in common.  Private to log*.cc.
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace posthorn::log {

// The length of the well-formed UTF-8 sequence at the start of `s`, 0 when there is none. [RFC3629 4]
std::size_t utf8_length(std::string_view s);
// C1 controls (U+0080..U+009F), line separators and direction marks: well-formed, but a terminal obeys them.
bool terminal_obeys(std::string_view sequence);
void put_key(std::string& out, std::string_view key);

template <class T>
void put_number(std::string& out, T v) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
}

}  // namespace posthorn::log
