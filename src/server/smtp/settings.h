// Settings of SMTP, submission and LMTP sessions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/ip_network.h"
#include "base/settings.h"
#include "intake/settings.h"
#include "text/ascii.h"

namespace posthorn::server {

using namespace std::chrono_literals;
using intake::kMaxReceived;
using intake::kMaxRecipients;
using intake::kMaxTransactions;
using intake::kSenderCheck;
using intake::SenderCheck;

inline const Setting<std::int64_t> kMaxErrors{
    "smtp.max_errors", 50, 1, 10'000,
    "Refused commands on one connection since the last accepted message, before it is closed with 421."};
inline const Setting<std::int64_t> kMaxAuthFailures{
    "smtp.max_auth_failures", 5, 1, 100, "Wrong passwords on one connection before it is closed with 421."};
inline const Setting<std::chrono::seconds> kCommandTimeout{
    "smtp.command_timeout", 5min, 1s, 1h, "How long a client may take for a command, or to read an answer."};
inline const Setting<std::chrono::seconds> kDataTimeout{
    "smtp.data_timeout", 5min, 1s, 1h, "How long a client may pause inside a message."};
inline const Setting<std::chrono::seconds> kMessageTimeout{
    "smtp.message_timeout", 1h, 1s, 24h, "How long a client may take for the whole of one message."};
inline const Setting<std::chrono::seconds> kHandshakeTimeout{
    "smtp.handshake_timeout", 30s, 1s, 10min, "How long a TLS handshake may take."};

// --- who is trusted with what
inline const Setting<std::string> kRelayNetworks{
    "smtp.relay_networks", "", kIpNetworksForm,
    "Clients that may send to other domains without signing in, on listeners with protocol smtp. Nobody by default."};
inline const Setting<std::string> kXClientNetworks{
    "smtp.xclient_networks", "", kIpNetworksForm,
    "Clients that may say, by XCLIENT, where a connection really comes from and who has signed in there: proxies that you run."};
inline const Setting<std::string> kXForwardNetworks{
    "smtp.xforward_networks", "", kIpNetworksForm, "Clients that may add to the log, by XFORWARD, where a message came from: content filters."};
inline const Setting<std::string> kEtrnNetworks{
    "smtp.etrn_networks", "", kIpNetworksForm,
    "Clients that may ask, by ETRN, for what waits for a host to be sent now, beside those in smtp.relay_networks and who has signed in."};

// --- extensions that need the queue
inline const Setting<std::chrono::seconds> kDeliverByMinimum{
    "smtp.deliver_by_minimum", 1min, 0s, 24h, "The shortest time in which a sender may demand delivery or a bounce (DELIVERBY, by-mode R)."};
inline const Setting<std::chrono::seconds> kMaxHold{
    "smtp.max_hold", 30 * 24h, 0s, 366 * 24h,
    "How long ahead users may date messages that are to be sent later (FUTURERELEASE); 0 switches that off."};
inline constexpr TextForm kProfileForm{  // [RFC6710 7] priority-profile
    [](std::string_view name) -> Result<void> {
      const bool good = name.size() <= 20 && std::ranges::all_of(name, [](char c) {
                          return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_' || c == '.';
                        });
      if (!good) return fail(Errc::invalid, "must be at most 20 letters, digits, '-', '_' and '.'");
      return {};
    },
    "at most 20 letters, digits, '-', '_' and '.'"};
inline const Setting<std::string> kPriorityProfile{
    "smtp.priority_profile", "", kProfileForm,
    "The name of the policy by which priorities are given (MT-PRIORITY), such as \"MIXER\"; empty: it is not told."};

}  // namespace posthorn::server
