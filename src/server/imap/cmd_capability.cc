// CAPABILITY [RFC3501 6.1.1], NAMESPACE [RFC2342], ENABLE [RFC5161], ID [RFC2971].
#include <algorithm>

#include "base/log.h"
#include "proto/imap/writer.h"
#include "server/common/sasl_loop.h"
#include "server/imap/session.h"

namespace posthorn::imap {

std::string Session::capabilities() const {
  std::string out = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE";
  if (state_ != State::not_authenticated)
    return out + " NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE CREATE-SPECIAL-USE CONDSTORE";
  if (context_.rules.tls == config::TlsMode::starttls && !connection().is_tls()) out += " STARTTLS";
  for (const auto mechanism : server::offered_mechanisms(context_)) out += " AUTH=" + std::string(mechanism);
  if (!context_.takes_passwords()) out += " LOGINDISABLED";  // [RFC3501 6.2.3]
  return out;
}

Task<Result<Reply>> Session::cmd_capability(Command&) {
  Writer(output()).untagged().raw("CAPABILITY ").raw(capabilities()).crlf();
  co_return ok("CAPABILITY completed");
}

Task<Result<Reply>> Session::cmd_namespace(Command&) {
  Writer(output()).untagged().raw("NAMESPACE ((\"\" \"/\")) NIL NIL").crlf();
  co_return ok("NAMESPACE completed");
}

Task<Result<Reply>> Session::cmd_enable(Command& command) {
  const auto& enable = std::get<Enable>(command.command);
  // [RFC5161 3.1] What cannot be enabled is passed over; what an earlier ENABLE has enabled is not listed again.  What another command
  // has enabled is: an empty list would say that CONDSTORE is not to be had [RFC5161 3.2].
  std::string enabled;
  if (!condstore_listed_ && std::ranges::find(enable.capabilities, "CONDSTORE") != enable.capabilities.end()) {
    enable_condstore();
    condstore_listed_ = true;
    enabled = " CONDSTORE";
  }
  Writer(output()).untagged().raw("ENABLED").raw(enabled).crlf();
  co_return ok("ENABLE completed");
}

Task<Result<Reply>> Session::cmd_id(Command& command) {
  const auto& id = std::get<Id>(command.command);
  std::string said;
  for (const auto& [name, value] : id.parameters) {
    if (!said.empty()) said += ", ";
    said += name + "=" + value.value_or("NIL");
  }
  log::info("imap.id", {{"session", context_.session_id}, {"client", said}});
  // [RFC2971 3.3] Not the version: it would help an attacker more than a client.
  Writer(output()).untagged().raw("ID (\"name\" \"Posthorn\")").crlf();
  co_return ok("ID completed");
}

}  // namespace posthorn::imap
