// Writing a message: header, text, attachments. [RFC5322] [RFC2045] [RFC2046] [RFC2047] [RFC2231]
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "client/mail_addresses.h"
#include "client/message_pieces.h"
#include "text/date.h"

namespace posthorn::client {

struct Attachment {
  std::shared_ptr<const FileDescriptor> file;
  std::string path;  // its last part is the name that is shown, whatever is in it
  std::uint64_t size = 0;
};

struct Letter {
  TypedAddress from;
  std::vector<TypedAddress> to, cc;
  std::string subject;                                     // UTF-8
  std::string text;                                        // UTF-8; line ends of any kind
  std::string html;                                        // the same for readers of HTML [RFC2046 5.1.4]; empty: none
  std::vector<std::pair<std::string, std::string>> fields; // more of the header: name, and value in UTF-8
  std::vector<Attachment> attachments;
  text::DateTime date;
  std::string message_id;  // with its brackets
  std::string boundary;    // for it and "a" with it: of letters and digits: so many random ones that no part has it
};

// A message of 7-bit lines, but that addresses beyond ASCII stand in its header as they are (the server must know SMTPUTF8 then).
// INVARIANT: no value becomes another field, whatever is in it.
// Errors: invalid: a text is no UTF-8, or has control characters; a name of a field is none, or one of those that are written here.
Result<MessagePieces> write_letter(const Letter&);

// "image/png" for "x.PNG"; "application/octet-stream" where nothing better is known.
std::string_view guess_type(std::string_view file_name);

// "<random@domain>", for Message-ID. [RFC5322 3.6.4]
std::string make_message_id(std::string_view domain);

}  // namespace posthorn::client
