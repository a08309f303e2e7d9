// Settings and metrics of the IMAP server alone; server/common/imap_port.h has those that it shares with SMAP.
#pragma once

#include <chrono>

#include "base/metrics.h"
#include "base/settings.h"
#include "server/common/imap_port.h"

namespace posthorn::imap {

using namespace std::chrono_literals;

using server::imap_port::kAutologout;
using server::imap_port::kCapabilitiesOff;
using server::imap_port::kIdleTimeout;
using server::imap_port::kLoginTimeout;
using server::imap_port::kMaxBadCommands;
using server::imap_port::kTransferTimeout;

inline const Setting<std::chrono::seconds> kIdleKeepalive{
    "imap.idle_keepalive", 2min, 1s, 24h,
    "Say something to a client in IDLE after this long without news, so that no router between forgets the connection."};

inline const Setting<Bytes> kFetchMemory{
    "imap.fetch_memory", 64_MiB, 1_MiB, 1024_GiB,
    "As much of messages may FETCH commands have read ahead for their clients, all together; beyond it each reads little at a time."};

inline const Setting<std::string> kCapabilitiesOffFor{
    "imap.capabilities_off_for", "",
    "Capabilities that clients with a known fault are not offered, by what they say with ID: \"*Outlook*: CONDSTORE QRESYNC; *K-9*: MOVE\"."};

// imap.shared_account and imap.acl_anyone: server/common/mailbox_access.h
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
