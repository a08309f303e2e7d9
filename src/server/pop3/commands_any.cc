// CAPA, NOOP and QUIT.
#include "base/log.h"
#include "server/common/sasl_loop.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"

namespace posthorn::pop3 {

// [RFC2449 5] What is offered depends on what may be used now.
Session::Outcome Session::cmd_capa(Capa&) {
  ok("Capabilities:");
  connection_.put("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n");
  if (context_.takes_passwords()) connection_.put("USER\r\n");
  if (const auto mechanisms = server::offered_mechanisms(context_); !mechanisms.empty()) {
    connection_.put("SASL");
    for (const auto name : mechanisms) connection_.output().append(" ").append(name);
    connection_.put("\r\n");
  }
  const bool can_start_tls = context_.rules.tls == config::TlsMode::starttls && !connection_.is_tls();
  if (can_start_tls && state_ == State::authorization) connection_.put("STLS\r\n");
  connection_.put("IMPLEMENTATION Posthorn\r\n.\r\n");
  co_return Result<void>{};
}

Session::Outcome Session::cmd_noop(Noop&) {
  ok("Nothing done");
  co_return Result<void>{};
}

// [RFC1939 6] The UPDATE state.  The marked messages are gone for good when the client reads +OK.
Session::Outcome Session::cmd_quit(Quit&) {
  state_ = State::ended;
  if (!maildrop_) {
    ok("Goodbye");
    co_return Result<void>{};
  }
  const auto removed = co_await maildrop_->update();
  if (!removed) {
    log::error("pop3.update_failed",
               {{"session", context_.session_id}, {"account", address_}, {"error", removed.error()}});
    err("[SYS/TEMP] The deleted messages could not be removed");
    co_return Result<void>{};
  }
  if (*removed > 0) {
    deleted.add(*removed);
    log::info("pop3.deleted", {{"session", context_.session_id}, {"account", address_}, {"messages", *removed}});
  }
  ok("Goodbye");
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
