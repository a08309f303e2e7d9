// How the octets of a message lie in a file of a Maildir.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "copy/spool.h"

namespace posthorn::copy {

// Files whose first line ends with CRLF are as the message is; of all others, which mailfile::ToLf has made, each LF stands for CRLF.  The result
// does not depend on how the text is cut.
class MaildirText {
 public:
  void put(std::string& out, std::string_view text);

 private:
  enum class As { unknown, it_is, lines } as_ = As::unknown;
  char last_ = 0;
};

// With LF for CRLF the message could not be had back, and as it is it can: its first line ends with CRLF.
bool lies_as_it_is(Spool&);
// All of the message as it lies in a file, in pieces.
Result<void> give_as_file(Spool&, const std::function<Result<void>(std::string_view)>& put);

}  // namespace posthorn::copy
