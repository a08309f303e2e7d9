#include "proto/smtp/command_writer.h"

#include <algorithm>

#include "proto/smtp/xtext.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/date.h"
#include "text/utf8.h"

namespace posthorn::smtp {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_one_word(std::string_view s) {
  return !s.empty() && std::ranges::none_of(s, [](char c) { return is_control(c) || c == ' '; });
}

// Such an address may come from a queue file or an alias: whoever read it first, nothing of it may end the line.
Result<void> check(const Mailbox& m) {
  const bool is_postmaster = m.domain.empty() && text::iequals(m.local_part, "postmaster");  // [RFC5321 4.1.1.3]
  if (std::ranges::any_of(m.local_part, is_control)) return fail(Errc::invalid, "an address with control characters");
  if (!is_postmaster && !is_domain(m.domain) && !is_address_literal(m.domain)) return fail(Errc::invalid, "an address without a domain");
  return {};
}

void put_parameter(std::string& out, std::string_view keyword, std::string_view value) { (((out += ' ') += keyword) += '=') += value; }

// [RFC6533 3] In ASCII, as the next server may not know SMTPUTF8.
std::string to_orcpt_address(const OriginalRecipient& o) {
  if (text::iequals(o.address_type, "utf-8") && text::is_valid_utf8(o.address)) return to_unitext(o.address);
  return to_xtext(o.address);
}

// [RFC3461 4.1]
std::string to_text(const Notify& notify) {
  if (notify.never) return "NEVER";
  std::string out;
  auto add = [&out](bool is_set, std::string_view word) {
    if (!is_set) return;
    if (!out.empty()) out += ',';
    out += word;
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return out;
}

// [RFC2852 4] by-time ";" by-mode [by-trace]
std::string to_text(const DeliverBy& by) {
  return std::to_string(by.seconds) + ';' + (by.return_if_late ? 'R' : 'N') + (by.trace ? "T" : "");
}

void put_body(std::string& line, Body body) {
  switch (body) {
    case Body::seven_bit: return;
    case Body::eight_bit_mime: return put_parameter(line, "BODY", "8BITMIME");
    case Body::binary_mime: return put_parameter(line, "BODY", "BINARYMIME");
  }
}

Result<void> put_notice_parameters(std::string& line, const Mail& mail) {
  if (mail.ret) put_parameter(line, "RET", *mail.ret == Return::full ? "FULL" : "HDRS");
  if (!mail.envelope_id) return {};
  // [RFC3461 4.4] What is encoded is printable, too.
  if (mail.envelope_id->empty() || !is_printable(*mail.envelope_id))
    return fail(Errc::invalid, "an envelope identifier that is not printable ASCII");
  put_parameter(line, "ENVID", to_xtext(*mail.envelope_id));
  return {};
}

Result<void> put_time_parameters(std::string& line, const Mail& mail) {
  if (mail.deliver_by) {
    if (mail.deliver_by->return_if_late && mail.deliver_by->seconds <= 0) return fail(Errc::invalid, "a time of delivery that has passed");
    put_parameter(line, "BY", to_text(*mail.deliver_by));
  }
  if (mail.hold_for_seconds) put_parameter(line, "HOLDFOR", std::to_string(*mail.hold_for_seconds));
  if (mail.hold_until) put_parameter(line, "HOLDUNTIL", text::format_rfc3339_utc(*mail.hold_until));
  if (mail.priority) put_parameter(line, "MT-PRIORITY", std::to_string(*mail.priority));
  return {};
}

}  // namespace

Result<void> put_command(std::string& out, const Mail& mail) {
  if (mail.reverse_path) {
    TRY_OK(check(*mail.reverse_path));
    if (needs_smtp_utf8(*mail.reverse_path) && !mail.smtp_utf8) return fail(Errc::invalid, "an address in UTF-8 without SMTPUTF8");
  }
  std::string line = "MAIL FROM:";
  put_path(line, mail.reverse_path);
  if (mail.size) put_parameter(line, "SIZE", std::to_string(*mail.size));
  put_body(line, mail.body);
  if (mail.smtp_utf8) line += " SMTPUTF8";
  if (mail.require_tls) line += " REQUIRETLS";
  TRY_OK(put_notice_parameters(line, mail));
  TRY_OK(put_time_parameters(line, mail));
  if (mail.auth) put_parameter(line, "AUTH", to_xtext(mail.auth->empty() ? "<>" : *mail.auth));
  (out += line) += "\r\n";
  return {};
}

Result<void> put_command(std::string& out, const Rcpt& rcpt) {
  TRY_OK(check(rcpt.forward_path));
  std::string line = "RCPT TO:";
  put_path(line, rcpt.forward_path);
  if (rcpt.notify) {
    const auto value = to_text(*rcpt.notify);
    if (value.empty()) return fail(Errc::invalid, "NOTIFY without a value");
    put_parameter(line, "NOTIFY", value);
  }
  if (const auto& original = rcpt.original_recipient) {
    const bool is_type = !original->address_type.empty() && std::ranges::all_of(original->address_type, [](char c) {
      return text::is_alpha(c) || text::is_digit(c) || c == '-';
    });
    if (!is_type || original->address.empty()) return fail(Errc::invalid, "ORCPT without a type or an address");
    put_parameter(line, "ORCPT", original->address_type + ';' + to_orcpt_address(*original));
  }
  (out += line) += "\r\n";
  return {};
}

Result<void> put_hello(std::string& out, std::string_view verb, std::string_view domain) {
  if (!is_one_word(domain) || !text::is_ascii(domain)) return fail(Errc::invalid, "no host name to say " + std::string(verb) + " with");
  (((out += verb) += ' ') += domain) += "\r\n";
  return {};
}

void put_bdat(std::string& out, std::uint64_t size, bool last) {
  ((out += "BDAT ") += std::to_string(size)) += last ? " LAST\r\n" : "\r\n";
}

Result<void> put_auth(std::string& out, std::string_view mechanism, const std::optional<std::string>& initial_response) {
  if (!is_one_word(mechanism)) return fail(Errc::invalid, "no name of a mechanism");
  (out += "AUTH ") += mechanism;
  // [RFC4954 4] "=" stands for an empty one.
  if (initial_response) (out += ' ') += initial_response->empty() ? "=" : text::base64_encode(*initial_response);
  out += "\r\n";
  return {};
}

}  // namespace posthorn::smtp
