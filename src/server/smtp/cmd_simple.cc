// The commands that need no thought: RSET NOOP QUIT VRFY EXPN HELP [RFC5321 4.1.1], and what is no command.
#include <algorithm>

#include "server/smtp/session.h"

namespace posthorn::server {

Task<> SmtpSession::cmd_rset(smtp::Command&) {
  reset_transaction();
  reply(250, {2, 0, 0}, "Forgotten");
  co_return;
}

Task<> SmtpSession::cmd_noop(smtp::Command&) {
  reply(250, {2, 0, 0}, "Ok");
  co_return;
}

Task<> SmtpSession::cmd_quit(smtp::Command&) {
  reply(221, {2, 0, 0}, std::string(hostname()) + " Goodbye");
  state_ = State::ended;
  end_reason_ = "quit";
  co_return;
}

// [RFC5321 3.5.3] [RFC5321 7.3] Nobody is told who exists, beyond what RCPT must say.
Task<> SmtpSession::cmd_vrfy(smtp::Command&) {
  reply(252, {2, 5, 0}, "Cannot say, but will take the message and try");
  co_return;
}

Task<> SmtpSession::cmd_expn(smtp::Command&) {
  refuse(502, {5, 5, 1}, "No lists are shown here", "EXPN");
  co_return;
}

Task<> SmtpSession::cmd_help(smtp::Command&) {
  smtp::Reply r(214, {2, 0, 0}, "Commands:");
  r.lines.push_back(is_lmtp() ? "LHLO MAIL RCPT DATA BDAT RSET" : "EHLO HELO MAIL RCPT DATA BDAT RSET");
  r.lines.push_back(is_lmtp() ? "NOOP QUIT VRFY HELP STARTTLS" : "NOOP QUIT VRFY HELP STARTTLS AUTH");
  reply(r);
  co_return;
}

Task<> SmtpSession::cmd_unknown(smtp::Command& command) {
  // A web browser that was led here posts mail commands in its body: it must not get that far.
  constexpr std::string_view kForeign[] = {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "HOST:", "USER-AGENT:"};
  refuse(500, {5, 5, 2}, "Command not recognized", "unknown command");
  const auto* const unknown = std::get_if<smtp::Unknown>(&command);
  if (unknown && std::ranges::find(kForeign, unknown->verb) != std::end(kForeign))
    say_goodbye({4, 7, 0}, "This is not a web server", "not SMTP");
  co_return;
}

}  // namespace posthorn::server
