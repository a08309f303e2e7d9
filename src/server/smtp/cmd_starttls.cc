// STARTTLS [RFC3207]
#include "base/log.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {

Task<> SmtpSession::cmd_starttls(smtp::Command&) {
  if (connection_.is_tls()) co_return refuse(503, {5, 5, 1}, "TLS is already active", "STARTTLS");
  if (context_.rules.tls != config::TlsMode::starttls) co_return refuse(502, {5, 5, 1}, "No TLS here", "STARTTLS");
  const auto tls = context_.services.tls ? context_.services.tls() : nullptr;
  if (!tls) co_return refuse(454, {4, 7, 0}, "TLS not available due to temporary reason", "STARTTLS");

  if (!connection_.input().empty())  // an attempt to have plaintext taken for what came by TLS
    log::warning("smtp.starttls_injection", {{"session", context_.session_id}, {"peer", connection_.peer().text()}});
  reply(220, {2, 0, 0}, "Ready to start TLS");
  const auto deadline = after(kHandshakeTimeout.get());
  auto sent = co_await connection_.flush(deadline);
  if (!sent) co_return end_for(sent.error());
  auto done = co_await connection_.start_tls(*tls, deadline);
  if (!done) co_return end_for_tls(done.error());
  // [RFC3207 4.2] All knowledge of the client is gone (INVARIANT 3).
  reset_transaction();
  state_ = State::connected;
  said_ = Said::nothing;
  helo_.clear();
  identity_.reset();
  if (connection_.peer() != first_peer_) {  // by XCLIENT
    if (context_.admit) (void)context_.admit(first_peer_);
    connection_.set_peer(first_peer_);
    look_up_trust();
  }
}

}  // namespace posthorn::server
