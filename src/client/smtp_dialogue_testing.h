// One dialogue between an SmtpConnection and a script, and what came of it as text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/smtp_types.h"
#include "client/scripted_server_testing.h"

namespace posthorn::client {

struct Dialogue {
  SmtpOptions options;  // without TLS, for client.example, unless it is changed
  smtp::Mail mail;      // from me@example.org
  std::vector<std::string> recipients = {"you@example.net"};
  std::string text = "Subject: x\r\n\r\nhello\r\n";
  int sends = 1;        // as many transactions
  bool tcp = false;     // over the network of this host, where a server that closes may cut off what it said
  Script script;
};
Dialogue make_dialogue(std::string script);

struct Played {
  // "open: refused 554 (greeting)", or for each transaction and recipient "accepted 250", "refused 550 (RCPT)", "not tried" ... and
  // behind "|" what ended it, "closed (MAIL)"; transactions are separated by "; ".
  std::string outcome;
  std::string complaints;               // of the server
  std::vector<std::string> transcript;  // "> EHLO x", "< 250 y", "- note"
  std::string signed_in_by;
  TlsState tls;
  std::vector<std::string> failures;    // their texts
};
Played play(Dialogue);

}  // namespace posthorn::client
