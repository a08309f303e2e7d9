// A message that is there already, made ready to be sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "client/message_pieces.h"
#include "text/date.h"

namespace posthorn::client {

struct MessageFile {
  std::shared_ptr<const FileDescriptor> file;  // of a regular file
  std::string name;                            // for errors
  std::uint64_t size = 0;
};
// A file as it is; what comes from a pipe or terminal is written to a file without a name first, in $TMPDIR or /tmp.  Blocking.
// Errors: not_found: there is no such file; io; no_space.
Result<MessageFile> open_message_file(const std::string& path);      // "-": standard input
Result<MessageFile> open_regular_file(const std::string& path);      // anything else is invalid

struct GivenMessage {
  MessagePieces pieces;     // as it is sent, but for the ends of lines
  std::string header;       // as it was, with its empty line
  std::string message_id;   // as it is now; may be empty
  std::uint64_t size = 0;   // of the whole with CRLF
  std::uint64_t longest_line = 0;  // without its end; more than 998 is against [RFC5322 2.1.1], and left as it is
  bool eight_bit = false;   // beyond ASCII somewhere [RFC6152]
  bool utf8_header = false; // in its header [RFC6532]
};

// Reads all of it.  Bcc goes from the header, and a first line "From ..." of mailbox files too; Date and Message-ID come to it if it has
// none and `date` is given [RFC6409 8.2] [RFC6409 8.3].  Errors: syntax: it does not begin with a header, has a CR
// without LF in its header, or NUL anywhere; too_large: the header; io.  Blocking.
Result<GivenMessage> prepare_message(const MessageFile&, std::optional<text::DateTime> date);

}  // namespace posthorn::client
