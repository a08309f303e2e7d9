#include "send_smap.h"

#include <algorithm>
#include <utility>

#include "client/smap_connection.h"
#include "client_roads.h"
#include "proto/smtp/address.h"

namespace posthorn {
namespace {

using client::Cause;

// [SMAP1 10.1] Sender, recipients and NOTIFY are all that an envelope has there.
Result<void> check_possible(const Place& place, const Outgoing& message) {
  const auto& mail = message.mail;
  std::string what;
  if (mail.require_tls) what = "the demand that the message goes by TLS only";
  else if (mail.ret || mail.envelope_id) what = "what a notice is to contain";
  else if (mail.hold_for_seconds || mail.hold_until) what = "a time before which the message is held";
  else if (mail.body == smtp::Body::binary_mime) what = "binary messages";
  if (!what.empty()) return fail(Errc::invalid, "SMAP has nothing for " + what + ": send it through submissions://" + place.url.host);
  // Courier hands recipients to its sendmail as they are, which takes such a one for an option.
  for (const auto& one : message.recipients)
    if (const auto address = smtp::to_string(one.forward_path); address.starts_with('-'))
      return fail(Errc::invalid, "by SMAP nothing can be sent to " + address + ", which servers take for an option: send it through submissions://" + place.url.host);
  if (place.url.user.empty()) return fail(Errc::invalid, "who signs in? The URL names no user: " + client::to_string(place.url));
  return {};
}

std::string notify_of(const Outgoing& message) {
  const auto& notify = message.recipients.front().notify;
  if (!notify) return {};
  if (notify->never) return "NEVER";
  std::string out;
  for (const auto& [is_set, word] : {std::pair(notify->success, "SUCCESS"), std::pair(notify->failure, "FAILURE"), std::pair(notify->delay, "DELAY")})
    if (is_set) out += (out.empty() ? "" : ",") + std::string(word);
  return out;
}

Cause cause_of(Errc code) {
  switch (code) {
    case Errc::invalid: return Cause::refused;
    case Errc::timed_out: return Cause::timed_out;
    case Errc::cancelled: return Cause::cancelled;
    case Errc::syntax: return Cause::bad_reply;
    case Errc::io: return Cause::source;
    default: return Cause::closed;
  }
}

SendReport report_on(const Place& place, const client::SmapConnection& server, const Outgoing& message) {
  const auto port = place.url.port ? place.url.port : client::default_port(place.url.scheme);
  SendReport report;
  report.host = place.url.host;
  report.opened = true;
  report.door = {.port = port, .tls = tls_mode_of(place)};
  report.tls_version = server.tls_version();
  report.signed_in_by = server.signed_in_by();
  report.message_id = message.message_id;
  report.size = client::length_of(message.pieces);
  for (const auto& one : message.recipients) report.recipients.push_back(smtp::to_string(one.forward_path));
  report.results.resize(message.recipients.size());
  return report;
}

}  // namespace

Task<Result<SendReport>> send_by_smap(const Place& place, client::SmapOptions options, const Outgoing& message, WorkerPool& pool,
                                      std::function<void(std::uint64_t)> show) {
  CO_TRY_OK(check_possible(place, message));
  auto stream = co_await dial_place(place, pool);
  // Nobody answers: another time somebody may.
  if (!stream && stream.error().code == Errc::io) co_return fail(Errc::busy, stream.error().text);
  CO_TRY(auto connected, std::move(stream));
  client::SmapConnection server(std::move(options));
  CO_TRY_OK(co_await server.open(std::move(connected)));
  auto report = report_on(place, server, message);
  client::SmapUpload upload{.recipients = report.recipients, .notify = notify_of(message), .size = report.size};
  upload.mail_from = message.mail.reverse_path ? smtp::to_string(*message.mail.reverse_path) : std::string();
  upload.content = [&] { return std::make_unique<client::PieceSource>(message.pieces, pool, show); };
  const auto sent = co_await server.add(std::move(upload));
  using State = client::RecipientState;
  const auto state = sent ? State::accepted : server.in_doubt() ? State::unknown : State::not_tried;
  for (auto& one : report.results) one = {.state = state, .stage = client::Stage::final_dot};
  if (!sent) report.failure = client::Failure{.stage = client::Stage::final_dot, .cause = cause_of(sent.error().code), .reply = {}, .tls = {}, .text = sent.error().text};
  co_await server.logout();
  co_return report;
}

}  // namespace posthorn
