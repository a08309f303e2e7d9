#include "message/dsn_fields.h"

#include <algorithm>

#include "message/foreign_text.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxAddress = 1100;        // [RFC5321 4.5.3.1.3] and some
constexpr std::size_t kMaxName = 255;            // of a host
constexpr std::size_t kMaxIdentifier = 300;      // ENVID, log and queue ids
constexpr std::size_t kMaxDiagnosticLine = 512;  // [RFC5321 4.5.3.1.5]
constexpr std::size_t kMaxDiagnosticLines = 8;
constexpr std::size_t kLine = 900;  // bytes of a physical line, to be within [RFC5322 2.1.1] with its name

class Writer {
 public:
  explicit Writer(Charset charset) : charset_(charset) {}

  // The text is one line and safe.  What is longer than any line may be is folded where it stands.
  void field(std::string_view name, std::string_view value) {
    out_.append(name).append(": ");
    const std::string text = in_charset(value, Escape::text);
    std::string_view rest = text;
    while (rest.size() > kLine) {
      std::size_t cut = kLine;
      while (cut > 0 && (static_cast<unsigned char>(rest[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
      out_.append(rest.substr(0, cut)).append("\r\n ");
      rest.remove_prefix(cut);
    }
    out_.append(rest).append("\r\n");
  }
  // [RFC3464 2.1.2] "type; value"
  void typed(std::string_view name, std::string_view type, std::string_view value) {
    field(name, std::string(type) + "; " + std::string(value));
  }
  void host(std::string_view name, std::string_view type, std::string_view host, std::string_view address = "");
  void address(std::string_view name, std::string_view type, std::string_view address);
  void diagnostic(const DsnRecipient& recipient);
  void date(std::string_view name, const text::DateTime& date) { field(name, text::format_rfc5322_date(date)); }
  void end_group() { out_ += "\r\n"; }
  std::string take() { return std::move(out_); }

 private:
  std::string in_charset(std::string_view utf8, Escape what) const {
    return charset_ == Charset::utf8 ? std::string(utf8) : escape_non_ascii(utf8, what);
  }
  Charset charset_;
  std::string out_;
};

bool is_atom(std::string_view s) {
  return !s.empty() && s.size() <= 64 &&
         std::ranges::all_of(s, [](char c) { return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_' || c == '.'; });
}

// A host called itself so; parentheses would be comments.
void Writer::host(std::string_view name, std::string_view type, std::string_view host, std::string_view address) {
  std::string value = clean_text(host, kMaxName);
  std::ranges::replace_if(value, [](char c) { return c == '(' || c == ')' || c == '\\' || c == '"' || c == ' '; }, '?');
  if (!address.empty()) value += " (" + clean_text(address, 64) + ")";
  typed(name, type, value);
}

// [RFC3464 2.3.2] As in the envelope.  [RFC6533 3] What is not ASCII is of the type utf-8; where UTF-8 may not stand it is
// in the form utf-8-addr-xtext, and what has that form already is left alone.
void Writer::address(std::string_view name, std::string_view type, std::string_view address) {
  const std::string cleaned = clean_text(address, kMaxAddress);
  const bool is_utf8 = text::iequals(type, "utf-8") || (text::iequals(type, "rfc822") && !text::is_ascii(cleaned));
  if (!is_utf8) return typed(name, is_atom(type) ? type : "unknown", cleaned);
  const bool is_escaped = text::is_ascii(cleaned) && cleaned.find("\\x{") != cleaned.npos;
  typed(name, "utf-8", is_escaped ? cleaned : in_charset(cleaned, Escape::address));
}

// [RFC3461 9.2] Every line of the reply, continued by a blank.
void Writer::diagnostic(const DsnRecipient& recipient) {
  const auto lines = diagnostic_lines(recipient);
  if (lines.empty()) return;
  typed("Diagnostic-Code", recipient.is_smtp_reply ? "smtp" : "x-posthorn", lines.front());
  for (const auto& line : std::span(lines).subspan(1)) {
    out_ += ' ';
    out_.append(in_charset(line, Escape::text), 0, kLine).append("\r\n");
  }
}

void put_recipient(Writer& out, const DsnRecipient& r) {
  out.end_group();
  if (!r.original_recipient.empty()) out.address("Original-Recipient", r.original_type, r.original_recipient);
  out.address("Final-Recipient", "rfc822", r.final_recipient);
  out.field("Action", to_string(r.action));
  out.field("Status", status_of(r));
  if (!r.remote_mta.empty()) out.host("Remote-MTA", "dns", r.remote_mta);
  out.diagnostic(r);
  if (r.last_attempt) out.date("Last-Attempt-Date", *r.last_attempt);
  if (!r.final_log_id.empty()) out.field("Final-Log-ID", clean_text(r.final_log_id, kMaxIdentifier));
  if (r.will_retry_until && r.action == DsnAction::delayed) out.date("Will-Retry-Until", *r.will_retry_until);
}

// [RFC3464 2.3.4] DIGIT "." 1*3DIGIT "." 1*3DIGIT, without leading zeros
bool is_status(std::string_view s) {
  if (s.size() < 5 || (s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.') return false;
  const auto is_number = [](std::string_view n) {
    return !n.empty() && n.size() <= 3 && (n.size() == 1 || n[0] != '0') && std::ranges::all_of(n, [](char c) { return text::is_digit(c); });
  };
  const std::size_t dot = s.find('.', 2);
  return dot != s.npos && is_number(s.substr(2, dot - 2)) && is_number(s.substr(dot + 1));
}

}  // namespace

std::string status_of(const DsnRecipient& recipient) {
  if (is_status(recipient.status)) return recipient.status;
  return recipient.action == DsnAction::failed ? "5.0.0" : recipient.action == DsnAction::delayed ? "4.0.0" : "2.0.0";
}

std::vector<std::string> diagnostic_lines(const DsnRecipient& recipient) {
  std::vector<std::string> lines;
  std::string_view rest = recipient.diagnostic;
  while (!rest.empty() && lines.size() < kMaxDiagnosticLines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line = clean_text(text::trim(rest.substr(0, end)), kMaxDiagnosticLine);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!text::trim(line).empty()) lines.push_back(line);
  }
  return lines;
}

std::string delivery_status(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients,
                            Charset charset) {
  Writer out(charset);
  if (message.envelope_id) out.field("Original-Envelope-Id", clean_text(*message.envelope_id, kMaxIdentifier));
  // [RFC3461 6.3] A name without dot is none that others could look up.
  out.host("Reporting-MTA", context.reporting_mta.find('.') == std::string::npos ? "x-local-hostname" : "dns", context.reporting_mta);
  if (!message.received_from.empty()) out.host("Received-From-MTA", "dns", message.received_from, message.received_from_address);
  out.date("Arrival-Date", message.arrival);
  if (!message.queue_id.empty()) out.field("X-Posthorn-Queue-Id", clean_text(message.queue_id, kMaxIdentifier));
  for (const auto& recipient : recipients) put_recipient(out, recipient);
  return out.take();
}

}  // namespace posthorn::message
