// posthorn send: the message and its envelope, made of the options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/message_pieces.h"
#include "proto/smtp/command.h"
#include "send_options.h"

namespace posthorn {

struct Outgoing {
  client::MessagePieces pieces;
  std::string message_id;  // may be empty
  std::uint64_t longest_line = 0;
  smtp::Mail mail;
  std::vector<smtp::Rcpt> recipients;  // none twice
};

// `user`: who signs in; if that is an address, it is the author where nobody else is named.  Reads standard input where the message or its
// text comes from there.  Blocking.  Errors: invalid: an option; not_found, io: a file; syntax, too_large: the message.
Result<Outgoing> make_outgoing(const SendOptions&, const std::string& user);

}  // namespace posthorn
