// The status reply to a command. [SMAP1 2.1]
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::smap {

struct Reply {
  bool is_ok = true;
  std::string text;   // never empty: Cone waits for ever behind a bare +OK [SMAP1 14]
  bool sent = false;  // the command has written it itself
};

inline Reply ok(std::string_view text) { return {.is_ok = true, .text = std::string(text)}; }
inline Reply err(std::string_view text) { return {.is_ok = false, .text = std::string(text)}; }

// What the client is told of a failure below.  Texts of syntax, denied and unsupported are our own, and go to the client.
Reply reply_for(const Error&);

// denied, with the words for a right that is missing [SMAP1 11].  `right`: its letter.
Error needs_right(char right);

}  // namespace posthorn::smap
