// The lines of an mbox file: "From " lines, quoting, flags. [RFC4155]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace posthorn::mailfile {

// "From joe@example.org Sat Jan  3 01:05:34 1996", in UTC.  A sender that is empty, or has spaces or control
// characters, is "MAILER-DAEMON".
std::string mbox_from_line(std::string_view sender, SysTime when);

struct MboxFromLine {
  std::string sender;
  std::optional<SysTime> when;  // nullopt: it cannot be read
};
// Does this line (without its end) begin a message?  "From ", a sender, and something with a time of day in
// it: a sentence that begins so is none.
std::optional<MboxFromLine> parse_mbox_from_line(std::string_view line);

// Letters of Maildir from Status and X-Status: R is S(een), A R(eplied), F F(lagged), T D(raft), D T(rashed);
// O (old) is not kept.
std::string flags_of_status(std::string_view status, std::string_view x_status);
// The two fields with LF for these letters; empty: none is needed.
std::string status_of_flags(std::string_view letters);

// One message as mboxrd has it: lines of ">"s and "From " get another ">", and an empty line stands behind.
// Status and X-Status of its header are left out, those of `flags` are put in.  The result does not depend on
// how the text is cut.
class MboxEncoder {
 public:
  // Its "From " line.
  void begin(std::string& out, std::string_view sender, SysTime when, std::string_view flags = {});
  // Lines end with LF (line_ends.h).
  void put(std::string& out, std::string_view bytes);
  void finish(std::string& out);

 private:
  void take_line(std::string& out, std::string_view line);
  void end_header(std::string& out);

  std::string flags_;
  std::string line_;  // the beginning of a line
  bool in_header_ = true;
  bool rest_of_line_ = false;  // its beginning was taken already
  bool dropping_ = false;      // and so goes the rest; of a field, its continuation lines too
  char last_ = '\n';
};

// How much of a line is looked at.
inline constexpr std::size_t kMboxLine = 64 * 1024;

// ">>From " and the like: is there at least one ">" (or none, for what is to be quoted)?
bool is_quoted_from(std::string_view line, std::size_t least);

}  // namespace posthorn::mailfile
