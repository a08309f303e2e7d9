// SMTP replies. [RFC5321 4.2], enhanced status codes of [RFC2034] and [RFC3463].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::smtp {

struct EnhancedCode {
  std::uint16_t klass = 0;  // 2, 4 or 5; 0 means "no enhanced code"
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  friend bool operator==(EnhancedCode, EnhancedCode) = default;
};

struct Reply {
  int code = 250;                  // 200..599
  EnhancedCode enhanced{};         // not for greetings, EHLO and 3yz [RFC2034 4]
  std::vector<std::string> lines;  // at least one; put_reply writes an empty one if there is none

  Reply() = default;
  Reply(int c, EnhancedCode e, std::string text) : code(c), enhanced(e), lines{std::move(text)} {}
  Reply(int c, std::string text) : code(c), lines{std::move(text)} {}

  friend bool operator==(const Reply&, const Reply&) = default;
};

// Appends the reply with CRLF after each line. Control characters in a text become "?", and a line longer
// than 512 octets is cut [RFC5321 4.5.3.1.5]: a reply may quote what a peer said.
void put_reply(std::string& out, const Reply&);
void put_reply(std::string& out, int code, EnhancedCode, std::string_view text);
std::string to_string(const Reply&);

}  // namespace posthorn::smtp
