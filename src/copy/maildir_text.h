// How the octets of a message lie in a file of a Maildir.
#pragma once

#include <string>
#include <string_view>

#include "copy/spool.h"

namespace posthorn::copy {

// Files whose first line ends with CRLF are as the message is; of all others each LF stands for CRLF.  The result does not depend on how the
// text is cut.
class MaildirText {
 public:
  void put(std::string& out, std::string_view text);

 private:
  enum class As { unknown, it_is, lines } as_ = As::unknown;
  char last_ = 0;
};

// LF for each CRLF, in pieces.
class WithoutCr {
 public:
  // `last`: nothing follows.
  std::string take(std::string_view piece, bool last);

 private:
  bool held_cr_ = false;  // the last octet was a CR, and is not given out yet
};

// With LF for CRLF the message could not be had back, and as it is it can: its first line ends with CRLF.
bool lies_as_it_is(Spool&);

}  // namespace posthorn::copy
