#include "server/drop/drop_report.h"

#include <algorithm>

#include "client/line_ends.h"
#include "crypto/random.h"
#include "delivery/settings.h"
#include "message/content.h"
#include "message/dsn.h"
#include "message/parser.h"
#include "message/transfer_encoder.h"

namespace posthorn::drop {
namespace {

using message::Audience;

std::string unique_name() {
  static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz012345";
  std::string name;
  for (const char byte : crypto::random_bytes(24)) name += kLetters[static_cast<unsigned char>(byte) & 31];
  return name;
}

// [RFC3463 3]
std::string status_of(Errc code) {
  return code == Errc::too_large ? "5.3.4" : code == Errc::limit ? "5.4.6" : "5.1.3";
}

message::DsnMessage describe(const Unsent& unsent, std::string_view text) {
  message::DsnMessage m;
  m.reverse_path = unsent.reverse_path;
  m.envelope_id = unsent.envelope->envelope_id;
  if (unsent.envelope->ret) m.ret = *unsent.envelope->ret == smtp::Return::full ? message::Ret::full : message::Ret::headers;
  if (!unsent.whole) m.ret = message::Ret::headers;
  m.smtp_utf8 = std::ranges::any_of(unsent.reverse_path, [](char c) { return (c & 0x80) != 0; });
  m.arrival = {.time = std::chrono::floor<std::chrono::seconds>(now()), .offset_minutes = 0};
  m.size = unsent.whole ? text.size() : std::max<std::uint64_t>(unsent.size, text.size());
  message::Parser parser;
  parser.feed(text);
  const auto summary = parser.finish();
  m.header_size = std::min<std::uint64_t>(summary.header_size, text.size());
  message::ContentMeter header;
  header.feed(text.substr(0, m.header_size));
  m.header_content = m.content = header.result();
  if (unsent.whole) {
    message::ContentMeter all;
    all.feed(text);
    m.content = all.result();
  }
  m.message_id = summary.envelope().message_id;
  m.subject = summary.envelope().subject;
  return m;
}

}  // namespace

std::optional<DropReport> report_unsent(const Unsent& unsent, const std::string& hostname,
                                        const std::string& postmaster) {
  message::NotifyOn notify;
  if (const auto& asked = unsent.envelope->notify)
    notify = {.success = asked->success, .failure = asked->failure, .delay = asked->delay};
  const auto path = unsent.reverse_path.empty() ? message::ReversePath::null : message::ReversePath::mailbox;
  const auto audience = message::audience_of(message::DsnAction::failed, notify, path);
  if (audience == Audience::nobody) return {};

  std::string text;
  client::LineEnds ends;
  ends.put(text, unsent.whole ? unsent.message : unsent.message.substr(0, message::kMaxReturnedHeader));
  ends.finish(text);
  const auto original = describe(unsent, text);
  std::vector<message::DsnRecipient> recipients;
  for (const auto& to : unsent.recipients) {
    if (recipients.size() == message::kMaxDsnRecipients) break;
    message::DsnRecipient r;
    r.final_recipient = to;
    r.status = status_of(unsent.why.code);
    r.diagnostic = "The message was not sent: " + unsent.why.text;
    recipients.push_back(std::move(r));
  }
  message::DsnContext how;
  how.audience = audience;
  how.reporting_mta = hostname;
  how.from = postmaster;
  how.unique = unique_name();
  how.now = original.arrival;
  how.return_limit = static_cast<std::uint64_t>(delivery::kReturnLimit.get());
  const auto dsn = message::compose_dsn(how, original, recipients);

  DropReport out{.recipient = dsn.recipient, .text = dsn.head, .smtp_utf8 = dsn.smtp_utf8};
  const auto returned = std::string_view(text).substr(0, dsn.returned_bytes);
  if (dsn.encode) {
    message::TransferEncoder encoder(message::TransferEncoder::Encoding::quoted_printable);
    encoder.feed(returned, out.text);
    encoder.finish(out.text);
  } else
    out.text += returned;
  out.text += dsn.tail;
  return out;
}

}  // namespace posthorn::drop
