#include "client/submission.h"

#include <algorithm>

#include "net/connect.h"

namespace posthorn::client {
namespace {

constexpr std::uint16_t kSubmissions = 465, kSubmission = 587, kAlternative = 2525, kSmtp = 25;

Door named_door(const MailUrl& url, bool protect, bool allow_plaintext) {
  const auto port = url.port != 0 ? url.port : default_port(url.scheme);
  const auto if_wanted = allow_plaintext ? TlsMode::opportunistic : TlsMode::required;
  switch (url.scheme) {
    case Scheme::submissions: return {.port = port, .tls = TlsMode::implicit};
    case Scheme::submission: return {.port = port, .tls = if_wanted};
    case Scheme::lmtp: return url.host.empty() ? Door{.port = 0, .tls = TlsMode::none} : Door{.port = port, .tls = TlsMode::opportunistic};
    default: return {.port = port, .tls = protect ? if_wanted : TlsMode::opportunistic};
  }
}

// [RFC4954 4] The password is the reason to be careful, and so is what the user reads in the URL.
TlsMode mode_of_smtp(const MailUrl& url, const DoorWishes& wishes) {
  const bool asked = wishes.protect || (wishes.port_is_known && url.scheme != Scheme::smtp);
  return asked && !wishes.allow_plaintext ? TlsMode::required : TlsMode::opportunistic;
}

SmtpOptions options_for(const SubmissionServer& server, const Door& door, SmtpOptions options, const TlsForHosts& tls) {
  options.protocol = server.url.scheme == Scheme::lmtp ? Protocol::lmtp : Protocol::smtp;
  options.tls = door.tls;
  options.tls_context = tls.context();
  options.tls_policy = tls.policy(server.url.host);
  options.host = server.url.host;
  return options;
}

Failure unreachable(const Error& why) {
  return {.stage = Stage::connect,
          .cause = why.code == Errc::timed_out ? Cause::timed_out : Cause::unreachable,
          .reply = {},
          .tls = {},
          .text = why.text};
}

}  // namespace

std::string to_string(const Door& door) {
  const auto port = door.port == 0 ? std::string("socket") : std::to_string(door.port);
  switch (door.tls) {
    case TlsMode::implicit: return port + " (TLS)";
    case TlsMode::required: return port + " (STARTTLS)";
    case TlsMode::opportunistic: return port + " (STARTTLS if offered)";
    case TlsMode::none: return port + " (clear text)";
  }
  return port;
}

std::vector<Door> doors_of(const MailUrl& url, const DoorWishes& wishes) {
  std::vector<Door> doors;
  const auto named = named_door(url, wishes.protect, wishes.allow_plaintext);
  if (url.scheme == Scheme::lmtp) return {named};
  if (wishes.port_is_known) doors.push_back(named);
  if (wishes.port_is_known && !wishes.fallback) return doors;
  const auto explicit_tls = wishes.allow_plaintext ? TlsMode::opportunistic : TlsMode::required;
  for (const auto& usual : {Door{kSubmissions, TlsMode::implicit}, Door{kSubmission, explicit_tls}, Door{kAlternative, explicit_tls},
                            Door{kSmtp, mode_of_smtp(url, wishes)}})
    if (!wishes.port_is_known || usual.port != named.port) doors.push_back(usual);
  return doors;
}

bool leads_nowhere(const Failure& f) {
  if (f.stage == Stage::connect) return f.cause == Cause::unreachable || f.cause == Cause::timed_out;
  constexpr Stage kBeforeSigningIn[] = {Stage::tls, Stage::greeting, Stage::hello, Stage::start_tls};
  const bool before_signing_in = std::ranges::find(kBeforeSigningIn, f.stage) != std::end(kBeforeSigningIn);
  if (!before_signing_in) return false;
  switch (f.cause) {
    case Cause::closed:
    case Cause::timed_out:
    case Cause::bad_reply:
    case Cause::tls_not_offered: return true;
    // A certificate of somebody else is no reason to look for a door without one.
    case Cause::tls_failed: return f.tls.problem == net::TlsProblem::handshake || f.tls.problem == net::TlsProblem::connection;
    case Cause::refused: return f.stage == Stage::start_tls;
    default: return false;
  }
}

Task<Result<OpenSubmission>> open_submission(const SubmissionServer& server, const SmtpOptions& options, const TlsForHosts& tls,
                                             WorkerPool& pool) {
  OpenSubmission out;
  const bool socket = server.url.host.empty();
  std::vector<std::string> addresses;
  if (!socket) {
    CO_TRY(addresses, co_await resolve_host(server.url.host, pool));
  }
  for (const auto& door : server.doors) {
    out.door = door;
    if (server.trying) server.trying(door);
    out.connection = std::make_unique<SmtpConnection>(options_for(server, door, options, tls));
    std::expected<void, Failure> opened;
    if (socket) {
      opened = co_await out.connection->open(net::Address{.host = {}, .port = 0, .unix_path = server.url.path});
    } else {
      const auto elsewhere = server.mapped.find(door.port);
      const auto port = elsewhere == server.mapped.end() ? door.port : elsewhere->second;
      auto made = co_await dial_any(addresses, port, after(options.timeouts.opening), options.timeouts.connect);
      if (made) opened = co_await out.connection->open(*std::move(made));
      else opened = std::unexpected(unreachable(made.error()));
    }
    if (opened) co_return out;
    out.connection.reset();
    const bool go_on = leads_nowhere(opened.error());
    out.tried.push_back({.door = door, .failure = std::move(opened).error()});
    if (!go_on) break;
  }
  co_return out;
}

}  // namespace posthorn::client
