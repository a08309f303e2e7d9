// Where mail is, in one word of a command line: "imaps://joe@mail.example.org", "maildir:/home/joe/Mail", "posthorn:joe@example.org".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::client {

enum class Scheme : std::uint8_t {
  smtp,         // 25, STARTTLS where it is offered
  submission,   // 587, STARTTLS
  submissions,  // 465, TLS from the first byte
  lmtp,         // a host and its port, or a path: of a Unix socket
  imap,         // 143, STARTTLS
  imaps,        // 993
  pop3,         // 110, STLS
  pop3s,        // 995
  smap,         // 143, STARTTLS
  smaps,        // 993
  maildir,      // a directory
  mbox,         // a file
  posthorn,     // an account of the local store
};
std::string_view to_string(Scheme);
// The port that the scheme stands for; 0: there is none.
std::uint16_t default_port(Scheme);
bool is_server(Scheme);  // it has a host: none of the last three, nor LMTP with a path

// [RFC3986] with percent-encoding; what follows the colon of maildir:, mbox: and posthorn: is taken as it is.  A "~/" at the start of a path
// is the home directory.
struct MailUrl {
  Scheme scheme = Scheme::imaps;
  std::string user;        // decoded; empty: not named.  "@" in it may stand as it is: the last "@" separates the host
  std::string host;        // a name or an address, without brackets, without a zone
  std::uint16_t port = 0;  // 0: default_port()
  std::string path;        // maildir, mbox, a socket of LMTP: a path; IMAP, SMAP: a mailbox in UTF-8, or empty; posthorn: the account
  friend bool operator==(const MailUrl&, const MailUrl&) = default;
};

// Errc::syntax: it is none, in words for who typed it.  A password in it is refused: others can see the command line.
Result<MailUrl> parse_mail_url(std::string_view);
// As parse_mail_url() reads it; without control characters.
std::string to_string(const MailUrl&);

}  // namespace posthorn::client
