// For tests and fuzzers: the canonical form of a whole body, done as the standard says it [RFC6376 3.4.3] [RFC6376 3.4.4].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mailauth/dkim/canonical.h"

namespace posthorn::mailauth::dkim {

// The rules of the standard one after the other, over the whole body.
inline std::string by_the_book(Canonicalization form, std::string_view body) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body.substr(i).starts_with("\r\n")) {
      lines.emplace_back();
      ++i;
    } else {
      lines.back() += body[i];
    }
  }
  if (form == Canonicalization::relaxed)
    for (auto& line : lines) {
      while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.pop_back();
      std::string reduced;
      for (const char c : line)
        if (const char d = c == '\t' ? ' ' : c; d != ' ' || !reduced.ends_with(' ')) reduced += d;
      line = reduced;
    }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string out;
  for (const auto& line : lines) out += line + "\r\n";
  return out.empty() && form == Canonicalization::simple ? "\r\n" : out;
}

}  // namespace posthorn::mailauth::dkim
