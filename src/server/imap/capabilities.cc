// What is told in CAPABILITY, and what a client gets of it. [RFC3501 6.1.1]
#include <algorithm>
#include <string>
#include <string_view>

#include "base/log.h"
#include "config/core_settings.h"
#include "server/common/sasl_loop.h"
#include "server/imap/capability_patterns.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view kAlways = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE";
constexpr std::string_view kSignedInOnly =
    "NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS STATUS=SIZE "
    "CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS PARTIAL "
    "MULTIAPPEND BINARY REPLACE UTF8=ACCEPT PREVIEW OBJECTID SAVEDATE ACL RIGHTS=texk QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE "
    "QUOTA=RES-MAILBOX QUOTASET";

}  // namespace

bool Session::offers(std::string_view capability) const {
  return !names_capability(kCapabilitiesOff.get(), capability) && !names_capability(switched_off_, capability);
}

std::string Session::capabilities() const {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!offers(name)) return;
    if (!out.empty()) out += ' ';
    out += name;
  };
  const auto add_all = [&](std::string_view names) {
    for_each_word(names, add);
  };
  add_all(kAlways);
  if (state_ != State::not_authenticated) {
    add_all(kSignedInOnly);
    if (!connection().is_compressed()) add("COMPRESS=DEFLATE");  // [RFC4978 3]
    add("APPENDLIMIT=" + std::to_string(config::kMaxMessageSize.get()));
    return out;
  }
  if (context_.rules.tls == config::TlsMode::starttls && !connection().is_tls()) add("STARTTLS");
  for (const auto mechanism : server::offered_mechanisms(context_)) add("AUTH=" + std::string(mechanism));
  if (!context_.takes_passwords()) add("LOGINDISABLED");  // [RFC3501 6.2.3]
  return out;
}

// [RFC2971] The client has said what it is: some are better served with less.
void Session::judge_client(const Id& id) {
  std::string client;
  for (const auto& [name, value] : id.parameters)
    if (value) client += (client.empty() ? "" : " ") + *value;
  switched_off_ = capabilities_off_for(kCapabilitiesOffFor.get(), client);
  if (!switched_off_.empty()) log::info("imap.capabilities_off", {{"session", context_.session_id}, {"off", switched_off_}});
}

}  // namespace posthorn::imap
