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
inline const Setting<std::int64_t> kAccountCache{
    "storage.account_cache", 10'000, 10, 10'000'000, "Accounts whose mailbox lists are kept in memory (read at the start)."};
inline const Setting<std::chrono::seconds> kDrainTimeout{
    "app.drain_timeout", std::chrono::seconds(30), std::chrono::seconds(0), std::chrono::hours(1),
    "How long transactions under way may go on when the server is told to stop."};

}  // namespace posthorn::app
