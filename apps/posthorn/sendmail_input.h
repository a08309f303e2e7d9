// What sendmail reads: the message on standard input, and whom its header names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn {

// Standard input up to its end, or, where `dot_ends`, to a line with only a dot.
class SendmailInput {
 public:
  explicit SendmailInput(bool dot_ends) : dot_ends_(dot_ends) {}

  // The next bytes; empty: the end.  Errc::io.
  Result<std::string> next();

 private:
  std::string up_to_dot(std::string_view bytes);

  const bool dot_ends_;
  bool ended_ = false, dot_seen_ = false, at_line_start_ = true;
  std::string line_;  // held back as long as it may be the dot
};

// All of the header, and whatever has been read behind it.  Errc::too_large: it has more than 1 MiB.
Result<std::string> read_header(SendmailInput&);

// The addresses of To, Cc and Bcc in what read_header() gave; of the Resent fields where there are any [RFC5322 3.6.6].  They are not checked.
std::vector<std::string> header_recipients(std::string_view text);

}  // namespace posthorn
