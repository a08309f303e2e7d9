// Replies as a client reads them. [RFC5321 4.2] [RFC2034]
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/smtp/reply.h"

namespace posthorn::smtp {

struct ReplyLimits {
  std::size_t line = 4096;        // without its end; [RFC5321 4.5.3.1.5] 512; some servers say more
  std::size_t lines = 256;        // of one reply
  std::size_t bytes = 64 * 1024;  // of one reply, with line ends
};

// 1. The result does not depend on how the bytes are cut.
// 2. Nothing behind the end of a reply is consumed.
// 3. After an error nobody knows where the next reply begins: the connection is of no use any more, nor is the parser.
// 4. The lines of a Reply have no control characters (a tab becomes a space, others "?") and no enhanced code; they may be no UTF-8.
// 5. What cannot become a reply is refused at its first wrong octet: a server that speaks something else needs no time-out.
// Departure from [RFC5321 4.2]: LF alone ends a line too, any code of three digits with a first one of 2 to 5 is taken, and the texts may
// be of any octets.  All lines must have one code.
class ReplyParser {
 public:
  explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

  // Takes bytes from the front of `in`.  nullopt: `in` is used up and the reply is not complete.
  // Errc::syntax: this is no reply; limit: too long in one of the ways of ReplyLimits.
  Result<std::optional<Reply>> next(std::string_view& in);

  // The bytes of the reply that was returned last, or of what was read of the next one; for a transcript.  Valid until next().
  std::string_view raw() const { return raw_; }
  // Some of the next reply was taken, but not all.
  bool in_reply() const { return !complete_ && !raw_.empty(); }

 private:
  Result<void> check_line_start() const;
  Result<bool> take_line(std::string_view line);  // true: it was the last one

  ReplyLimits limits_;
  Reply reply_;
  std::string raw_;
  std::size_t line_start_ = 0;  // in raw_
  bool complete_ = false;       // what raw_ holds was returned
};

}  // namespace posthorn::smtp
