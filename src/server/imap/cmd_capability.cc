// CAPABILITY [RFC3501 6.1.1], ENABLE [RFC5161], ID [RFC2971].
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_capability(Command&) {
  Writer(output()).untagged().raw("CAPABILITY ").raw(capabilities()).crlf();
  co_return ok("CAPABILITY completed");
}

Task<Result<Reply>> Session::cmd_enable(Command& command) {
  const auto& enable = std::get<Enable>(command.command);
  const auto asks_for = [&](std::string_view name) { return offers(name) && std::ranges::find(enable.capabilities, name) != enable.capabilities.end(); };
  // [RFC5161 3.1] What cannot be enabled is passed over; what an earlier ENABLE has enabled is not listed again.  What another command
  // has enabled is: an empty list would say that CONDSTORE is not to be had [RFC5161 3.2].
  std::string enabled;
  const bool qresync = asks_for("QRESYNC") && !std::exchange(qresync_, true);
  if ((qresync || asks_for("CONDSTORE")) && !std::exchange(condstore_listed_, true)) {
    enable_condstore();  // [RFC7162 3.2.3] QRESYNC includes it
    enabled += " CONDSTORE";
  }
  if (qresync) enabled += " QRESYNC";
  if (asks_for("IMAP4REV2") && !std::exchange(rev2_, true)) {
    enabled += " IMAP4rev2";
    utf8_ = true;  // [RFC9051 5.1]
    if (selected_) selected_->recent.clear();
  }
  if (asks_for("UTF8=ACCEPT") && !std::exchange(utf8_listed_, true)) {
    enabled += " UTF8=ACCEPT";
    utf8_ = true;
  }
  if (utf8_) reader_.set_limits(reader_limits());
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
  judge_client(id);
  log::info("imap.id", {{"session", context_.session_id}, {"client", said}});
  // [RFC2971 3.3] Not the version: it would help an attacker more than a client.
  Writer(output()).untagged().raw("ID (\"name\" \"Posthorn\")").crlf();
  co_return ok("ID completed");
}

}  // namespace posthorn::imap
