// Settings and metrics of the IMAP server.
#pragma once

#include <chrono>

#include "base/metrics.h"
#include "base/settings.h"

namespace posthorn::imap {

using namespace std::chrono_literals;

inline const Setting<std::chrono::seconds> kLoginTimeout{
    "imap.login_timeout", 60s, 1s, 1h,
    "Close a connection that takes longer than this for TLS, or for one command before it has signed in."};
inline const Setting<std::chrono::seconds> kAutologout{  // [RFC3501 5.4] at least 30 minutes
    "imap.autologout", 30min, 30min, 24h, "Close a signed-in connection that sends no command for this long."};
inline const Setting<std::chrono::seconds> kIdleTimeout{  // [RFC2177 3] clients re-issue IDLE every 29 minutes
    "imap.idle_timeout", 35min, 30min, 24h, "Close a connection that has been in IDLE for this long."};
inline const Setting<std::chrono::seconds> kIdleKeepalive{
    "imap.idle_keepalive", 2min, 1s, 24h,
    "Say something to a client in IDLE after this long without news, so that no router between forgets the connection."};
inline const Setting<std::chrono::seconds> kTransferTimeout{
    "imap.transfer_timeout", 5min, 10s, 1h,
    "Close a connection that takes no output, or sends nothing of an announced literal, for this long."};
inline const Setting<std::int64_t> kMaxBadCommands{
    "imap.max_bad_commands", 20, 1, 1'000'000,
    "Close a connection after so many wrong commands or passwords in a row."};

inline const Setting<Bytes> kFetchMemory{
    "imap.fetch_memory", 64_MiB, 1_MiB, 1024_GiB,
    "As much of messages may FETCH commands have read ahead for their clients, all together; beyond it each reads little at a time."};

inline const Setting<std::string> kCapabilitiesOff{
    "imap.capabilities_off", "", "IMAP capabilities that nobody is offered, with spaces between: \"COMPRESS THREAD\"."};
inline const Setting<std::string> kCapabilitiesOffFor{
    "imap.capabilities_off_for", "",
    "Capabilities that clients with a known fault are not offered, by what they say with ID: \"*Outlook*: CONDSTORE QRESYNC; *K-9*: MOVE\"."};

inline const Setting<std::string> kSharedAccount{
    "imap.shared_account", "",
    "The account whose mailboxes everybody finds under \"Shared/\", as far as its access control lists allow; empty: there are none."};
inline const Setting<bool> kAclAnyone{
    "imap.acl_anyone", false,
    "Users may grant rights to \"anyone\": everybody's mail program then lists their mailboxes. Where it is false, that is refused, and what was granted before has "
    "no effect, but for the mailboxes of imap.shared_account."};
inline const Setting<std::string> kQuotaAdmins{
    "imap.quota_admins", "", "Accounts that may change quotas by SETQUOTA, with spaces between."};

inline Gauge sessions_open{"imap.sessions", "IMAP connections open now."};
inline Gauge sessions_idling{"imap.idling", "IMAP connections in IDLE now."};
inline Counter commands_done{"imap.commands", "IMAP commands answered."};
inline Counter logins{"imap.logins", "IMAP sign-ins that succeeded."};
inline Counter login_failures{"imap.login_failures", "IMAP sign-ins that were refused."};
inline Counter messages_appended{"imap.appended", "Messages stored by APPEND."};
inline Counter messages_fetched{"imap.fetched", "Messages that FETCH has answered for."};

}  // namespace posthorn::imap
