// What an operator may say about sending.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/settings.h"

namespace posthorn::delivery {

using namespace std::chrono_literals;

// --- how much at once
inline const Setting<std::int64_t> kAttempts{
    "delivery.attempts", 1000, 1, 100'000, "Attempts that may be under way at a time, to all destinations (read at the start)."};
inline const Setting<std::int64_t> kFirstConcurrency{
    "delivery.destination_concurrency_first", 5, 1, 1000, "Connections to a destination of which nothing is known yet."};
inline const Setting<std::int64_t> kMaxConcurrency{
    "delivery.destination_concurrency", 20, 1, 1000, "Connections to one destination that takes everything."};
inline const Setting<std::chrono::seconds> kIdle{
    "delivery.idle_connection", 3s, 0s, 60s, "How long a connection waits for another message to the same destination."};

// --- where to
inline const Setting<std::int64_t> kPort{"delivery.port", 25, 1, 65535, "The port of the hosts of other domains; other than 25 for tests."};
inline const Setting<std::int64_t> kMaxTargets{
    "delivery.max_addresses", 6, 1, 100, "How many addresses of the hosts of a destination one attempt tries."};
inline const Setting<bool> kAllowLoopback{
    "delivery.allow_loopback", false, "Follow DNS records that lead to this machine's loopback addresses; for tests."};
inline const Setting<bool> kAllowPrivate{
    "delivery.allow_private", false, "Follow DNS records that lead to private addresses (10.0.0.0/8 and its likes)."};
inline const Setting<bool> kAddressLiterals{
    "delivery.address_literals", true, "Send to recipients at address literals, such as user@[192.0.2.1]."};
enum class IpVersions { both, ipv4, ipv6 };
inline constexpr std::string_view kIpVersionNames[] = {"both", "ipv4", "ipv6"};
inline const Setting<IpVersions> kIpVersions{"delivery.ip_versions", IpVersions::both, kIpVersionNames,
                                             "The kinds of addresses of other hosts that are tried."};
inline const Setting<std::string> kSourceAddresses{
    "delivery.source_addresses", "",
    "Addresses of this machine to send from, at most one IPv4 and one IPv6, with a space between. Empty: the system chooses."};

// --- how long
inline const Setting<std::chrono::seconds> kConnectTimeout{"delivery.connect_timeout", 30s, 1s, 10min, "How long a connection may take to be made."};
inline const Setting<std::chrono::seconds> kReplyTimeout{
    "delivery.reply_timeout", 5min, 1s, 1h, "How long a server may take for its greeting and for the reply to a command."};  // [RFC5321 4.5.3.2]
inline const Setting<std::chrono::seconds> kFinalTimeout{
    "delivery.final_timeout", 10min, 1s, 2h, "How long a server may take to accept a whole message."};

// --- TLS
enum class TlsRule { opportunistic, require, none };
inline constexpr std::string_view kTlsRuleNames[] = {"opportunistic", "require", "none"};
inline const Setting<TlsRule> kTls{"delivery.tls", TlsRule::opportunistic, kTlsRuleNames,
                                   "TLS towards the hosts of other domains, where no [[relay]] says otherwise."};
inline const Setting<bool> kDane{"delivery.dane", true, "Follow the TLSA records that domains publish (DANE), where DNSSEC proves them."};
inline const Setting<std::string> kCaFile{
    "delivery.ca_file", "", "A PEM file with the authorities that are believed where a certificate is checked; empty: the system's (read at the start)."};

// --- what is told
inline const Setting<std::string> kPostmaster{
    "delivery.postmaster", "", "Who gets what nobody else may be told; reports name it too. Empty: postmaster at our host name or first domain."};
inline const Setting<Bytes> kReturnLimit{
    "delivery.return_limit", 256_KiB, 0_B, 100_MiB, "A message up to this size comes back whole with the report of its failure, else its header."};
inline const Setting<std::chrono::seconds> kTraceAge{
    "trace.age", 7 * 24h, 1h, 366 * 24h, "How long the dialogues with other servers are kept for `posthorn trace`."};

// --- DKIM
inline const Setting<bool> kDkimSign{"dkim.sign", true, "Sign what users and programs of our domains send, where the domain of From has keys."};
enum class Unsigned { wait, send };
inline constexpr std::string_view kUnsignedNames[] = {"wait", "send"};
inline const Setting<Unsigned> kDkimTrouble{
    "dkim.trouble", Unsigned::wait, kUnsignedNames, "What becomes of a message while the keys of its domain cannot be read or do not work: it waits, or is sent unsigned."};

inline const Setting<bool> kTraceArrivals{
    "trace.arrivals", true, "Keep for `posthorn trace` how each message came in, also of those for mailboxes here; costs about 300 bytes of disk a message."};

// --- forwarding
inline const Setting<bool> kSrs{
    "srs.enabled", true, "Give forwarded mail a sender of the forwarding domain (SRS), so that SPF holds and bounces come back."};

}  // namespace posthorn::delivery
