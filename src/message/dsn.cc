#include "message/dsn.h"

#include <algorithm>

#include "base/result.h"
#include "message/compose.h"
#include "message/dsn_fields.h"
#include "message/dsn_text.h"
#include "message/encoded_word.h"
#include "message/foreign_text.h"
#include "message/transfer_encoder.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxAddress = 900;
constexpr std::size_t kMaxMessageId = 900;

// A message-id as it stands between "<" and ">", brackets included; empty when it is not fit for a field of ours.
std::string original_message_id(const DsnMessage& message) {
  const std::string_view value = message.message_id ? std::string_view(*message.message_id) : "";
  const std::size_t begin = value.find('<'), end = value.find('>', std::min(begin, value.size()));
  if (end == value.npos || end - begin > kMaxMessageId) return {};
  const auto id = value.substr(begin, end + 1 - begin);
  return std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; }) ? std::string(id) : "";
}

// The action that counts for the subject.
DsnAction worst(std::span<const DsnRecipient> recipients) {
  for (const auto action : {DsnAction::failed, DsnAction::delayed, DsnAction::relayed, DsnAction::expanded})
    if (std::ranges::any_of(recipients, [&](const DsnRecipient& r) { return r.action == action; })) return action;
  return DsnAction::delivered;
}

// Addresses may have quoted strings with blanks, which put_header_field() would fold.
void put_address_field(std::string& out, std::string_view name, std::string_view display_name, std::string_view address) {
  out.append(name).append(": ").append(display_name).append("<").append(clean_text(address, kMaxAddress)).append(">\r\n");
}

void put_header(std::string& out, const DsnContext& context, const DsnMessage& message, DsnAction action, const std::string& to,
                const std::string& boundary, Content body) {
  put_address_field(out, "From", "Mail Delivery System ", context.from);
  put_address_field(out, "To", "", to);
  put_header_field(out, "Subject", encode_encoded_words(dsn_subject(context, message, action)));
  put_header_field(out, "Date", text::format_rfc5322_date(context.now));
  put_header_field(out, "Message-ID", "<" + context.unique + "@" + clean_text(context.reporting_mta, 255) + ">");
  if (const auto id = original_message_id(message); !id.empty()) {
    put_header_field(out, "In-Reply-To", id);
    put_header_field(out, "References", id);
  }
  put_header_field(out, "Auto-Submitted", "auto-replied");  // [RFC3834 5]
  put_header_field(out, "MIME-Version", "1.0");
  put_header_field(out, "Content-Type", "multipart/report; report-type=delivery-status;\n boundary=\"" + boundary + "\"");
  if (body == Content::eight_bit) put_header_field(out, "Content-Transfer-Encoding", "8bit");
  out += "\r\n";
}

// Always 7-bit, so that it can be read wherever it goes.
void put_text_part(std::string& out, const std::string& text, Language language) {
  const bool is_ascii = text::is_ascii(text) && !std::ranges::any_of(text, [](char c) { return c == '\x7F'; });
  ContentMeter meter;
  meter.feed(text);
  const bool is_plain = is_ascii && meter.result().longest_line <= 900;
  out += is_ascii ? "Content-Type: text/plain; charset=us-ascii\r\n" : "Content-Type: text/plain; charset=utf-8\r\n";
  out += language == Language::german ? "Content-Language: de\r\n" : "Content-Language: en\r\n";
  if (is_plain) {
    out.append("\r\n").append(text);
    return;
  }
  out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  TransferEncoder encoder(TransferEncoder::Encoding::quoted_printable);
  encoder.feed(text, out);
  encoder.finish(out);
}

// How the original stands in the third part.
struct Third {
  std::string_view type;
  bool encode = false;
  Content content = Content::seven_bit;  // of what stands there
};

// [RFC6533 4.2] [RFC6533 4.3] [RFC6522 4]
Third third_part(const DsnMessage& message, Returned returned, Charset charset) {
  const bool global = message.smtp_utf8 && message.header_content.has_8bit;
  const bool raw_utf8 = global && charset == Charset::utf8;
  if (returned == Returned::whole) {
    if (global && !raw_utf8) return {"message/global", true, Content::seven_bit};
    return {global ? "message/global" : "message/rfc822", false, message.content.content};
  }
  const auto& header = message.header_content;
  const bool is_plain = header.content == Content::seven_bit && header.longest_line <= kLineLimit;
  if (raw_utf8 && header.content == Content::eight_bit) return {"message/global-headers", false, Content::eight_bit};
  return {global ? "message/global-headers" : "text/rfc822-headers", !is_plain, Content::seven_bit};
}

LeftOut left_out(const DsnContext& context, const DsnMessage& message, Returned returned, bool has_failure) {
  if (returned == Returned::whole) return LeftOut::nothing;
  if (!has_failure || message.ret == Ret::headers) return LeftOut::not_wanted;
  return message.size > context.return_limit ? LeftOut::too_large : LeftOut::binary;
}

}  // namespace

std::string_view to_string(DsnAction action) {
  switch (action) {
    case DsnAction::failed: return "failed";
    case DsnAction::delayed: return "delayed";
    case DsnAction::delivered: return "delivered";
    case DsnAction::relayed: return "relayed";
    case DsnAction::expanded: return "expanded";
  }
  return "failed";
}

Audience audience_of(DsnAction action, NotifyOn notify, ReversePath reverse_path) {
  const bool failed = action == DsnAction::failed;
  if (reverse_path == ReversePath::notice) return Audience::nobody;
  if (reverse_path == ReversePath::null) return failed ? Audience::postmaster : Audience::nobody;
  const bool wanted = failed ? notify.failure : action == DsnAction::delayed ? notify.delay : notify.success;
  return wanted ? Audience::sender : Audience::nobody;
}

Returned returned_part(bool has_failure, Ret ret, std::uint64_t size, std::uint64_t limit, Content content) {
  return has_failure && ret != Ret::headers && size <= limit && content != Content::binary ? Returned::whole : Returned::headers;
}

Dsn compose_dsn(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients) {
  CHECK(context.audience != Audience::nobody && !recipients.empty() && recipients.size() <= kMaxDsnRecipients);
  CHECK(context.audience == Audience::postmaster || !message.reverse_path.empty());
  Dsn dsn;
  dsn.recipient = context.audience == Audience::postmaster ? context.from : message.reverse_path;
  const auto charset = text::is_ascii(dsn.recipient) ? Charset::ascii : Charset::utf8;
  dsn.smtp_utf8 = charset == Charset::utf8;

  const auto action = worst(recipients);
  const bool has_failure = action == DsnAction::failed;
  dsn.returned = returned_part(has_failure, message.ret, message.size, context.return_limit, message.content.content);
  dsn.returned_bytes = dsn.returned == Returned::whole ? message.size : std::min(message.header_size, kMaxReturnedHeader);

  const std::string text = dsn_text(context, message, recipients, left_out(context, message, dsn.returned, has_failure));
  const std::string status = delivery_status(context, message, recipients, charset);
  const Third third = third_part(message, dsn.returned, charset);
  dsn.encode = third.encode;
  const auto body = std::max(third.content, text::is_ascii(status) ? Content::seven_bit : Content::eight_bit);
  dsn.content = charset == Charset::utf8 ? Content::eight_bit : body;  // its To is not ASCII

  const std::string boundary = "=_" + context.unique;  // neither base64 nor quoted-printable has "=_"
  put_header(dsn.head, context, message, action, dsn.recipient, boundary, body);
  const auto delimiter = [&] { dsn.head.append("--").append(boundary).append("\r\n"); };
  delimiter();
  put_text_part(dsn.head, text, context.language);
  dsn.head += "\r\n";
  delimiter();
  // [RFC6533 4.4] The older type wherever it loses nothing.
  dsn.head += text::is_ascii(status) ? "Content-Type: message/delivery-status\r\n\r\n"
                                     : "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  dsn.head.append(status).append("\r\n");
  delimiter();
  dsn.head.append("Content-Type: ").append(third.type).append("\r\n");
  if (third.encode) dsn.head += "Content-Transfer-Encoding: quoted-printable\r\n";
  if (third.content == Content::eight_bit) dsn.head += "Content-Transfer-Encoding: 8bit\r\n";
  dsn.head += "\r\n";
  dsn.tail = "\r\n--" + boundary + "--\r\n";
  return dsn;
}

}  // namespace posthorn::message
