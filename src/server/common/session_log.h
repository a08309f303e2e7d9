// What the log tells of a session, in the same fields whatever its protocol:
//
//   NAME.connected        session, protocol, peer
//   NAME.signed_in        session, user, account, peer, mechanism, tls
//   NAME.sign_in_refused  session, user, peer, mechanism, class
//   NAME.closed           session, reason, user, peer, commands, ms, and at most one figure of the protocol's own
//
// NAME is smtp, imap, pop3 or smap; `protocol` the listener's; `user` an address, as claimed while it is refused and empty where nobody has
// signed in; `account` its number; `tls` empty without TLS; `class` is that of the error; `ms` how long the connection was open.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "server/common/session_context.h"

namespace posthorn::server::session_log {

void connected(const SessionContext&, std::string_view name);
// `mechanism`: that of SASL, or the command's verb.
void signed_in(const SessionContext&, std::string_view name, std::string_view user, AccountId, std::string_view mechanism);
void sign_in_refused(const SessionContext&, std::string_view name, std::string_view user, std::string_view mechanism, const Error& why);

struct End {
  std::string_view reason, user;
  std::uint64_t commands = 0;
  std::optional<log::Field> figure = {};
};
void closed(const SessionContext&, std::string_view name, const End&);

}  // namespace posthorn::server::session_log
