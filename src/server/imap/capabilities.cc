// What is told in CAPABILITY, and what a client gets of it. [RFC3501 6.1.1]
#include <algorithm>
#include <string>
#include <string_view>

#include "base/log.h"
#include "config/core_settings.h"
#include "server/common/capability_patterns.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view kSignedInOnly =
    "NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS STATUS=SIZE "
    "CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS PARTIAL "
    "MULTIAPPEND BINARY REPLACE UTF8=ACCEPT PREVIEW OBJECTID SAVEDATE ACL RIGHTS=texk QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE "
    "QUOTA=RES-MAILBOX QUOTASET";

}  // namespace

bool Session::offers(std::string_view capability) const {
  if (capability == kRestoring) return context_.known_client.has_value();
  return !server::is_switched_off(kCapabilitiesOff.get(), capability) && !server::is_switched_off(switched_off_, capability);
}

std::string Session::capabilities() const {
  if (state_ == State::not_authenticated) return server::imap_port::capabilities_before_login(context_, switched_off_);
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!offers(name)) return;
    if (!out.empty()) out += ' ';
    out += name;
  };
  server::for_each_word(server::imap_port::kAlwaysOffered, add);
  server::for_each_word(kSignedInOnly, add);
  add(kRestoring);
  if (!connection().is_compressed()) add("COMPRESS=DEFLATE");  // [RFC4978 3]
  add("APPENDLIMIT=" + std::to_string(config::kMaxMessageSize.get()));
  return out;
}

// [RFC2971] The client has said what it is: some are better served with less.
void Session::judge_client(const Id& id) {
  std::string client;
  for (const auto& [name, value] : id.parameters)
    if (value) client += (client.empty() ? "" : " ") + *value;
  switched_off_ = server::capabilities_off_for(kCapabilitiesOffFor.get(), client);
  if (!switched_off_.empty()) log::info("imap.capabilities_off", {{"session", context_.session_id}, {"off", switched_off_}});
}

}  // namespace posthorn::imap
