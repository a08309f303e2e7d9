#include "client/smtp_types.h"

namespace posthorn::client {

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::connect: return "connect";
    case Stage::tls: return "TLS handshake";
    case Stage::greeting: return "greeting";
    case Stage::hello: return "EHLO";
    case Stage::start_tls: return "STARTTLS";
    case Stage::auth: return "AUTH";
    case Stage::mail: return "MAIL";
    case Stage::rcpt: return "RCPT";
    case Stage::data: return "DATA";
    case Stage::body: return "message";
    case Stage::final_dot: return "end of message";
    case Stage::reset: return "RSET";
    case Stage::noop: return "NOOP";
    case Stage::quit: return "QUIT";
  }
  return "?";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::refused: return "refused";
    case Cause::unreachable: return "unreachable";
    case Cause::closed: return "closed";
    case Cause::timed_out: return "timed out";
    case Cause::bad_reply: return "bad reply";
    case Cause::cancelled: return "cancelled";
    case Cause::tls_not_offered: return "TLS not offered";
    case Cause::tls_injection: return "TLS injection";
    case Cause::tls_failed: return "TLS failed";
    case Cause::no_mechanism: return "no mechanism";
    case Cause::server_unproven: return "server unproven";
    case Cause::too_large: return "too large";
    case Cause::no_8bitmime: return "no 8BITMIME";
    case Cause::no_binarymime: return "no BINARYMIME";
    case Cause::no_smtputf8: return "no SMTPUTF8";
    case Cause::no_requiretls: return "no REQUIRETLS";
    case Cause::no_deliverby: return "no DELIVERBY";
    case Cause::no_futurerelease: return "no FUTURERELEASE";
    case Cause::bad_command: return "bad command";
    case Cause::source: return "source failed";
  }
  return "?";
}

std::string_view to_string(RecipientState state) {
  switch (state) {
    case RecipientState::accepted: return "accepted";
    case RecipientState::refused: return "refused";
    case RecipientState::not_tried: return "not tried";
    case RecipientState::postponed: return "postponed";
    case RecipientState::unknown: return "unknown";
  }
  return "?";
}

bool Failure::is_permanent() const {
  switch (cause) {
    case Cause::refused: return reply && reply->code >= 500;
    case Cause::too_large:
    case Cause::no_8bitmime:
    case Cause::no_binarymime:
    case Cause::no_smtputf8:
    case Cause::no_requiretls:
    case Cause::no_deliverby:
    case Cause::no_futurerelease:
    case Cause::bad_command: return true;
    case Cause::unreachable:
    case Cause::closed:
    case Cause::timed_out:
    case Cause::bad_reply:
    case Cause::cancelled:
    case Cause::tls_not_offered:
    case Cause::tls_injection:
    case Cause::tls_failed:
    case Cause::no_mechanism:
    case Cause::server_unproven:
    case Cause::source: return false;
  }
  return false;
}

}  // namespace posthorn::client
