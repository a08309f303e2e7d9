// What an operator may change about the server as a whole.
#pragma once

#include <chrono>

#include "base/settings.h"

namespace posthorn::app {

// Read at the start.
inline const Setting<std::int64_t> kMaxConnections{
    "limits.connections", 20'000, 10, 10'000'000, "Connections of all protocols that may be open at a time (read at the start)."};
inline const Setting<std::int64_t> kMaxConnectionsPerAddress{
    "limits.connections_per_address", 1'000, 1, 10'000'000,
    "Connections from one client address that may be open at a time (read at the start)."};
inline const Setting<std::chrono::seconds> kProxyTimeout{
    "limits.proxy_timeout", std::chrono::seconds(10), std::chrono::seconds(1), std::chrono::minutes(5),
    "How long a load balancer may take to say who its client is, where proxy_protocol is on."};
inline const Setting<std::int64_t> kMaxMailboxes{
    "limits.mailboxes", 200'000, 10, 10'000'000, "Mailboxes that one account may have, and as many subscriptions (read at the start)."};
inline const Setting<Bytes> kViewCache{
    "storage.view_cache", 256_MiB, 1_MiB, 1024_GiB, "Memory for lists of the messages in opened mailboxes (read at the start)."};
inline const Setting<Bytes> kRecentMail{
    "storage.recent_mail", 8_MiB, 0_MiB, 64_GiB, "Memory for the messages that came last, for those who send them on or read them next (read at the start)."};
inline const Setting<std::int64_t> kAccountCache{
    "storage.account_cache", 10'000, 10, 10'000'000, "Accounts whose mailbox lists are kept in memory (read at the start)."};
inline const Setting<std::chrono::seconds> kDrainTimeout{
    "app.drain_timeout", std::chrono::seconds(30), std::chrono::seconds(0), std::chrono::hours(1),
    "How long transactions under way may go on when the server is told to stop."};

// The MTA-STS policy of the domains here.
enum class StsMode { testing, enforce, none };
inline constexpr std::string_view kStsModeNames[] = {"testing", "enforce", "none"};
inline const Setting<StsMode> kOwnStsMode{
    "mta_sts.own_mode", StsMode::testing, kStsModeNames,
    "What the MTA-STS policy of your domains asks of others: testing (deliver, and report trouble), enforce (never deliver without TLS and a valid certificate), "
    "none (the policy is withdrawn)."};
inline const Setting<std::chrono::seconds> kOwnStsMaxAge{
    "mta_sts.own_max_age", std::chrono::hours(168), std::chrono::hours(1), std::chrono::hours(8766), "How long others may keep that policy."};
Result<void> check_mx_patterns(std::string_view);
inline constexpr TextForm kMxPatterns{check_mx_patterns, "names of hosts with spaces between them, \"*.example.org\" too"};
inline const Setting<std::string> kOwnStsMx{
    "mta_sts.own_mx", "", kMxPatterns, "Hosts of your MX records besides this one, for that policy: without them it would stop mail to them."};

}  // namespace posthorn::app
