#include "text/ascii.h"

#include <cstring>

namespace posthorn::text {

std::size_t ascii_prefix(std::string_view s) {
  std::size_t i = 0;
  for (; i + 32 <= s.size(); i += 32) {  // four words, or two vectors
    std::uint64_t words[4];
    std::memcpy(words, s.data() + i, 32);
    if (((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080U) != 0) break;
  }
  while (i < s.size() && is_ascii(s[i])) ++i;
  return i;
}

bool is_ascii(std::string_view s) { return ascii_prefix(s) == s.size(); }

std::string to_lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_lower(c);
  return out;
}

std::string to_upper(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_upper(c);
  return out;
}

}  // namespace posthorn::text
