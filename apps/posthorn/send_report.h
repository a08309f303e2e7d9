// posthorn send: what came of it, in words, as JSON, and as an exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/submission.h"
#include "send_options.h"

namespace posthorn {

struct SendReport {
  std::string host;                      // or the path of a socket
  std::vector<client::DoorTried> tried;  // and left
  bool opened = false;
  client::Door door;                     // the one that opened
  std::string tls_version, tls_cipher;   // empty: clear text
  std::string signed_in_by;              // a mechanism; empty: nobody did
  bool no_notices = false;               // they were asked for, and the server knows none
  std::string message_id;
  std::uint64_t size = 0, longest_line = 0;
  std::vector<std::string> recipients;
  std::vector<client::RecipientResult> results;  // as many, if a transaction was begun
  std::optional<client::Failure> failure;        // of the transaction or the connection
};

// EX_OK only if all were accepted.  A refusal for good wins over one for now: who tries again must know that some will not be reached.
int exit_code_of(const SendReport&);
// Says all that went wrong on standard error, and which port did not; on a terminal also that it went well.  With --json one object instead.
void say_report(const SendOptions&, const SendReport&);

}  // namespace posthorn
