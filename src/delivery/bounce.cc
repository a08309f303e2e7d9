#include "delivery/bounce.h"

#include <algorithm>

#include "crypto/random.h"
#include "message/content.h"
#include "message/parser.h"
#include "message/transfer_encoder.h"

namespace posthorn::delivery {
namespace {

using message::Audience;
using message::DsnAction;

// Origin::with of what is made here: how the end of the chain is known.
constexpr std::string_view kNotice = "notice", kReport = "report";

message::ReversePath kind_of(const queue::Entry& entry) {
  if (!entry.reverse_path.empty()) return message::ReversePath::mailbox;
  return entry.origin.ip.empty() && entry.origin.with == kNotice ? message::ReversePath::notice : message::ReversePath::null;
}

message::NotifyOn notify_of(const queue::Recipient& r) {
  const auto& n = r.options.notify;
  if (!n) return {};
  return {.success = n->success, .failure = n->failure, .delay = n->delay};
}

text::DateTime date_of(SysTime t) { return {.time = std::chrono::floor<std::chrono::seconds>(t), .offset_minutes = 0}; }

std::string unique_name() {
  static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz012345";
  std::string name;
  for (const char byte : crypto::random_bytes(24)) name += kLetters[static_cast<unsigned char>(byte) & 31];
  return name;
}

// "mx.example.org[192.0.2.1]"
std::pair<std::string, std::string> host_and_address(const std::string& server) {
  const auto bracket = server.rfind('[');
  if (bracket == server.npos || !server.ends_with(']')) return {server, {}};
  return {server.substr(0, bracket), server.substr(bracket + 1, server.size() - bracket - 2)};
}

std::string status_of(const Report& report) {
  auto code = report.answer.enhanced;
  const std::uint16_t klass = report.action == DsnAction::failed ? 5 : report.action == DsnAction::delayed ? 4 : 2;
  if (code.klass == 0) code = {klass, 0, 0};
  // Given up after many 4yz: the status stays what the last answer was. [RFC3463 2]
  if (report.action != DsnAction::failed && code.klass != klass) code = {klass, 0, 0};
  return std::to_string(code.klass) + '.' + std::to_string(code.subject) + '.' + std::to_string(code.detail);
}

// As the host said it; x.0.0 is what stands for no enhanced code, too.
std::string reply_of(const queue::Answer& answer) {
  std::string out = std::to_string(answer.code) + ' ';
  const auto& e = answer.enhanced;
  if (e.subject != 0 || e.detail != 0) out += std::to_string(answer.code / 100) + '.' + std::to_string(e.subject) + '.' + std::to_string(e.detail) + ' ';
  return out + answer.text;
}

message::DsnRecipient dsn_recipient(const Report& report, std::optional<SysTime> until) {
  const auto& r = *report.recipient;
  const auto& answer = report.answer;
  message::DsnRecipient out;
  // Where an address of ours leads is not the sender's to know. [RFC3461 5.2.7.3]
  out.final_recipient = r.forwarded_for.empty() ? r.forward_path : r.forwarded_for;
  if (const auto& original = r.options.original_recipient) {
    out.original_type = original->address_type;
    out.original_recipient = original->address;
  }
  out.action = report.action;
  out.status = status_of(report);
  const auto said = host_and_address(answer.server);
  out.remote_mta = said.first;
  out.remote_address = said.second;
  out.is_smtp_reply = answer.code != 0;
  out.diagnostic = answer.code == 0 ? answer.text : reply_of(answer);
  if (answer.at != SysTime{}) out.last_attempt = date_of(answer.at);
  if (until) out.will_retry_until = date_of(*until);
  return out;
}

// What the report says of the message and returns of it.
Task<Result<message::DsnMessage>> describe(blob::Blobs& blobs, queue::EntryId id, const queue::Entry& entry, std::uint64_t return_limit) {
  message::DsnMessage m;
  m.reverse_path = entry.reverse_path;
  m.envelope_id = entry.options.envelope_id;
  if (entry.options.ret) m.ret = *entry.options.ret == smtp::Return::full ? message::Ret::full : message::Ret::headers;
  if (entry.options.require_tls) m.ret = message::Ret::headers;  // [RFC8689 5] the report may go over open channels
  m.smtp_utf8 = entry.options.smtp_utf8;
  m.arrival = date_of(entry.arrival);
  m.received_from = entry.origin.helo;
  m.received_from_address = entry.origin.ip;
  m.queue_id = std::to_string(id.value());
  m.size = entry.size - entry.prefix;

  message::Parser parser;
  message::ContentMeter whole;
  std::string head;
  for (std::uint64_t at = entry.prefix; at < entry.size;) {
    CO_TRY(const auto piece, co_await blobs.read(id, at, blob::kChunkSize));
    if (piece.empty()) co_return fail(Errc::corrupt, "a message is shorter than it was");
    at += piece.size();
    if (head.size() < message::kMaxReturnedHeader) head += piece.substr(0, message::kMaxReturnedHeader - head.size());
    parser.feed(piece);
    whole.feed(piece);
    if (m.size > return_limit && parser.header_done()) break;  // only its header comes back
  }
  const auto summary = parser.finish();
  m.header_size = summary.header_size;
  m.content = whole.result();
  message::ContentMeter header;
  header.feed(std::string_view(head).substr(0, summary.header_size));
  m.header_content = header.result();
  m.message_id = summary.envelope().message_id;
  m.subject = summary.envelope().subject;
  co_return m;
}

// Head, the returned part, tail.
Task<Result<blob::Sealed>> write(blob::Blobs& blobs, queue::EntryId original, std::uint64_t prefix, const message::Dsn& dsn) {
  auto draft = blobs.begin();
  CO_TRY_OK(co_await draft.write(dsn.head));
  message::TransferEncoder encoder(message::TransferEncoder::Encoding::quoted_printable);
  std::string out;
  for (std::uint64_t at = 0; at < dsn.returned_bytes;) {
    CO_TRY(const auto piece, co_await blobs.read(original, prefix + at, std::min<std::uint64_t>(blob::kChunkSize, dsn.returned_bytes - at)));
    if (piece.empty()) co_return fail(Errc::corrupt, "a message is shorter than it was");
    at += piece.size();
    out.clear();
    if (dsn.encode) encoder.feed(piece, out);
    CO_TRY_OK(co_await draft.write(dsn.encode ? std::string_view(out) : std::string_view(piece)));
  }
  out.clear();
  if (dsn.encode) encoder.finish(out);
  out += dsn.tail;
  CO_TRY_OK(co_await draft.write(out));
  co_return std::move(draft).seal();
}

queue::NewEntry new_entry(blob::Sealed bytes, const message::Dsn& dsn, Audience audience) {
  queue::NewEntry out{.bytes = std::move(bytes), .entry = {}, .recipients = {}};
  out.entry.arrival = now();
  out.entry.origin.with = audience == Audience::postmaster ? kNotice : kReport;
  out.entry.origin.ours = true;
  out.entry.options.smtp_utf8 = dsn.smtp_utf8;
  out.entry.options.body = dsn.content == message::Content::seven_bit   ? smtp::Body::seven_bit
                           : dsn.content == message::Content::eight_bit ? smtp::Body::eight_bit_mime
                                                                        : smtp::Body::binary_mime;
  queue::Recipient to;
  to.forward_path = dsn.recipient;
  to.options.notify = smtp::Notify{.never = true, .success = false, .failure = false, .delay = false};
  out.recipients.push_back(std::move(to));
  return out;
}

}  // namespace

Audience audience_of(const queue::Entry& entry, const queue::Recipient& r, DsnAction action) {
  auto notify = notify_of(r);
  // [RFC2852 4.1.4] Who has set a time hears of each hop that he asks about, or behind which nobody knows that time, if he wants to hear anything.
  const auto& by = entry.options.deliver_by;
  const bool any = notify.success || notify.failure || notify.delay;
  if (action == DsnAction::relayed && by && (by->trace || !by->return_if_late) && any) notify.success = true;
  return message::audience_of(action, notify, kind_of(entry));
}

Task<Result<std::vector<queue::NewEntry>>> compose_reports(blob::Blobs& blobs, BounceContext context, queue::EntryId id, const queue::Entry& entry,
                                                           std::vector<Report> reports, std::optional<SysTime> will_retry_until) {
  std::vector<queue::NewEntry> out;
  std::optional<message::DsnMessage> original;
  for (const auto audience : {Audience::sender, Audience::postmaster}) {
    std::vector<message::DsnRecipient> recipients;
    for (const auto& report : reports)
      if (audience_of(entry, *report.recipient, report.action) == audience && recipients.size() < message::kMaxDsnRecipients)
        recipients.push_back(dsn_recipient(report, will_retry_until));
    if (recipients.empty()) continue;
    if (!original) {
      auto described = co_await describe(blobs, id, entry, context.return_limit);
      CO_TRY_OK(described);
      original = *std::move(described);
    }
    message::DsnContext how;
    how.audience = audience;
    how.reporting_mta = context.reporting_mta;
    how.from = context.postmaster;
    how.unique = unique_name();
    how.now = date_of(now());
    how.return_limit = context.return_limit;
    const auto dsn = message::compose_dsn(how, *original, recipients);
    CO_TRY(auto bytes, co_await write(blobs, id, entry.prefix, dsn));
    out.push_back(new_entry(std::move(bytes), dsn, audience));
  }
  co_return out;
}

}  // namespace posthorn::delivery
