// What IMAP and SMAP share, since they share their ports: limits, and what is offered before the sign-in. [SMAP1 1.1, 3.1]
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/settings.h"
#include "server/common/session_context.h"

namespace posthorn::server::imap_port {

using namespace std::chrono_literals;

inline const Setting<std::chrono::seconds> kLoginTimeout{
    "imap.login_timeout", 60s, 1s, 1h,
    "Close a connection that takes longer than this for TLS, or for one command before it has signed in."};
inline const Setting<std::chrono::seconds> kAutologout{  // [RFC3501 5.4] at least 30 minutes
    "imap.autologout", 30min, 30min, 24h, "Close a signed-in connection that sends no command for this long."};
inline const Setting<std::chrono::seconds> kIdleTimeout{  // [RFC2177 3] clients re-issue IDLE every 29 minutes
    "imap.idle_timeout", 35min, 30min, 24h, "Close a connection that has been in IDLE for this long."};
inline const Setting<std::chrono::seconds> kTransferTimeout{
    "imap.transfer_timeout", 5min, 10s, 1h,
    "Close a connection that takes no output, or sends nothing of an announced literal, for this long."};
inline const Setting<std::int64_t> kMaxBadCommands{
    "imap.max_bad_commands", 20, 1, 1'000'000,
    "Close a connection after so many wrong commands or passwords in a row."};
inline const Setting<std::string> kCapabilitiesOff{
    "imap.capabilities_off", "", "IMAP capabilities that nobody is offered, with spaces between: \"COMPRESS THREAD\"."};
inline const Setting<bool> kSmapEnabled{
    "smap.enabled", true,
    "Offer SMAP on the IMAP ports: a client that says \\SMAP1 in its first line goes on in that protocol. The limits and time-outs of IMAP are its own, too."};

// IMAP's capabilities that are offered whether or not somebody has signed in.
inline constexpr std::string_view kAlwaysOffered = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE";

// Whether there is SMAP for a client that is not offered the capabilities in `switched_off` (words).
bool offers_smap(const SessionContext&, std::string_view switched_off = {});

// The list of the greeting, and of CAPABILITY until somebody has signed in, without those in `switched_off`.
std::string capabilities_before_login(const SessionContext&, std::string_view switched_off = {});

}  // namespace posthorn::server::imap_port
