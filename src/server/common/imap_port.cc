#include "server/common/imap_port.h"

#include "server/common/capability_patterns.h"
#include "server/common/sasl_loop.h"

namespace posthorn::server::imap_port {

bool offers_smap(const SessionContext& context, std::string_view switched_off) {
  return context.services.run_smap_session && kSmapEnabled.get() && !names_capability(kCapabilitiesOff.get(), "SMAP1") &&
         !names_capability(switched_off, "SMAP1");
}

std::string capabilities_before_login(const SessionContext& context, std::string_view switched_off) {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (is_switched_off(kCapabilitiesOff.get(), name) || is_switched_off(switched_off, name)) return;
    if (!out.empty()) out += ' ';
    out += name;
  };
  for_each_word(kAlwaysOffered, add);
  if (context.rules.tls == config::TlsMode::starttls && !context.connection.is_tls()) add("STARTTLS");
  for (const auto mechanism : offered_mechanisms(context)) add("AUTH=" + std::string(mechanism));
  if (!context.takes_passwords()) add("LOGINDISABLED");  // [RFC3501 6.2.3]
  // [SMAP1 3.1] ACL has a meaning of its own for IMAP, and is told behind the sign-in there.
  if (offers_smap(context, switched_off)) {
    for (const std::string_view name : {"SMAP1", "KEYWORDS", "ACL", "ACL2=UNION"}) add(name);
  }
  return out;
}

}  // namespace posthorn::server::imap_port
