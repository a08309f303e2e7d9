#include "proto/smtp/parameters.h"

#include <algorithm>
#include <limits>

#include "proto/smtp/words.h"
#include "proto/smtp/xtext.h"
#include "text/ascii.h"
#include "text/date.h"
#include "text/utf8.h"

namespace posthorn::smtp {
namespace {

using Value = std::optional<std::string_view>;
using Trouble = std::optional<CommandError>;

constexpr EnhancedCode kBadSyntax{5, 5, 2};
constexpr EnhancedCode kBadArgument{5, 5, 4};
constexpr std::size_t kMaxEnvelopeId = 100;          // [RFC3461 4.4] characters as sent
constexpr std::size_t kMaxOriginalRecipient = 500;   // [RFC3461 4.2]

Trouble bad(std::string text, EnhancedCode enhanced = kBadArgument) { return CommandError{Reply(501, enhanced, std::move(text))}; }

// [RFC4954 5] AUTH=<>, or a mailbox; brackets around the mailbox are tolerated, some relays send them.
std::optional<std::string> to_auth_identity(std::string_view value) {
  auto decoded = from_xtext(value);
  if (!decoded || decoded->empty()) return {};
  if (*decoded == "<>") return std::string();
  std::string_view rest = *decoded;
  auto path = take_reverse_path(rest);
  if (!path || !rest.empty()) return {};
  return to_string(**path);
}

Trouble set_size(Mail& mail, Value value) {
  if (value && value->size() <= 20) mail.size = to_number(*value);  // [RFC1870 4] size-value = 1*20DIGIT
  return mail.size ? Trouble() : bad("Bad SIZE parameter");
}

Trouble set_body(Mail& mail, Value value) {
  constexpr std::pair<std::string_view, Body> kBodies[] = {
      {"7BIT", Body::seven_bit}, {"8BITMIME", Body::eight_bit_mime}, {"BINARYMIME", Body::binary_mime}};
  for (const auto& [name, body] : kBodies)
    if (value && text::iequals(*value, name)) {
      mail.body = body;
      return {};
    }
  return bad("Bad BODY parameter");
}

Trouble set_smtp_utf8(Mail& mail, Value value) {
  mail.smtp_utf8 = true;
  return value ? bad("SMTPUTF8 takes no value") : Trouble();  // [RFC6531 3.4]
}

Trouble set_auth(Mail& mail, Value value) {
  if (value) mail.auth = to_auth_identity(*value);
  return mail.auth ? Trouble() : bad("Bad AUTH parameter");
}

Trouble set_ret(Mail& mail, Value value) {
  if (value && text::iequals(*value, "FULL")) mail.ret = Return::full;
  if (value && text::iequals(*value, "HDRS")) mail.ret = Return::headers;
  return mail.ret ? Trouble() : bad("Bad RET parameter");
}

Trouble set_envelope_id(Mail& mail, Value value) {
  if (value && value->size() <= kMaxEnvelopeId && text::is_ascii(*value)) mail.envelope_id = from_xtext(*value);
  return mail.envelope_id && is_printable(*mail.envelope_id) ? Trouble() : bad("Bad ENVID parameter");
}

Trouble set_require_tls(Mail& mail, Value value) {
  mail.require_tls = true;
  return value ? bad("REQUIRETLS takes no value") : Trouble();  // [RFC8689 2]
}

// [RFC2852 4] by-time ";" by-mode [by-trace], by-time = ["-" / "+"] 1*9DIGIT
Trouble set_deliver_by(Mail& mail, Value value) {
  const auto wrong = [] { return bad("Bad BY parameter"); };
  if (!value) return wrong();
  auto in = *value;
  const bool negative = in.starts_with('-');
  if (negative || in.starts_with('+')) in.remove_prefix(1);
  const auto semicolon = in.find(';');
  const auto number = in.substr(0, semicolon);
  const auto seconds = to_number(number);
  if (semicolon == in.npos || !seconds || number.size() > 9) return wrong();
  in.remove_prefix(semicolon + 1);
  DeliverBy by{.seconds = negative ? -static_cast<std::int64_t>(*seconds) : static_cast<std::int64_t>(*seconds)};
  if (in.size() == 2 && text::to_upper(in[1]) == 'T') by.trace = true;
  else if (in.size() != 1) return wrong();
  const char mode = text::to_upper(in[0]);
  if (mode != 'R' && mode != 'N') return wrong();
  by.return_if_late = mode == 'R';
  if (by.return_if_late && by.seconds <= 0) return bad("BY time must be positive with R");
  mail.deliver_by = by;
  return {};
}

// [RFC4865 4] One of HOLDFOR and HOLDUNTIL.
Trouble set_hold_for(Mail& mail, Value value) {
  if (mail.hold_until) return bad("HOLDFOR and HOLDUNTIL exclude each other");
  const auto seconds = value && value->size() <= 9 ? to_number(*value) : std::nullopt;
  if (!seconds || *seconds == 0) return bad("Bad HOLDFOR parameter");
  mail.hold_for_seconds = static_cast<std::uint32_t>(*seconds);
  return {};
}

Trouble set_hold_until(Mail& mail, Value value) {
  if (mail.hold_for_seconds) return bad("HOLDFOR and HOLDUNTIL exclude each other");
  const auto time = text::parse_rfc3339_date_time(value.value_or(""));
  if (!time) return bad("Bad HOLDUNTIL parameter");
  mail.hold_until = time->time;
  return {};
}

// [RFC6710 7] priority-value = (["-"] NZDIGIT) / "0"; [RFC6710 4.1] what is wrong is 5.5.2.
Trouble set_priority(Mail& mail, Value value) {
  auto in = value.value_or("");
  const bool negative = in.starts_with('-');
  if (negative) in.remove_prefix(1);
  if (in.size() != 1 || !text::is_digit(in[0]) || (negative && in[0] == '0')) return bad("Bad MT-PRIORITY parameter", kBadSyntax);
  mail.priority = negative ? '0' - in[0] : in[0] - '0';
  return {};
}

// [RFC3461 4.1] NEVER, or a list of the others.
Trouble set_notify(Rcpt& rcpt, Value value) {
  const auto wrong = [] { return bad("Bad NOTIFY parameter"); };
  Notify notify;
  for (auto in = value.value_or("");;) {
    const auto comma = in.find(',');
    const auto word = in.substr(0, comma);
    if (text::iequals(word, "NEVER")) notify.never = true;
    else if (text::iequals(word, "SUCCESS")) notify.success = true;
    else if (text::iequals(word, "FAILURE")) notify.failure = true;
    else if (text::iequals(word, "DELAY")) notify.delay = true;
    else return wrong();
    if (comma == in.npos) break;
    in.remove_prefix(comma + 1);
  }
  if (notify.never && (notify.success || notify.failure || notify.delay)) return wrong();
  rcpt.notify = notify;
  return {};
}

// [RFC3461 4.2] addr-type ";" xtext, where the type utf-8 has an encoding of its own. [RFC6533 3]
Trouble set_original_recipient(Rcpt& rcpt, Value value) {
  const auto wrong = [] { return bad("Bad ORCPT parameter"); };
  if (!value || value->size() > kMaxOriginalRecipient) return wrong();
  const auto semicolon = value->find(';');
  const auto type = value->substr(0, semicolon);
  if (semicolon == value->npos || !is_keyword(type)) return wrong();
  const auto encoded = value->substr(semicolon + 1);
  std::optional<std::string> address;
  if (text::iequals(type, "utf-8")) {
    const bool clean = text::is_valid_utf8(encoded) && encoded.find('=') == encoded.npos;
    // What does not follow that encoding is passed on as it is.
    if (clean) address = from_unitext(encoded).value_or(std::string(encoded));
  } else if (text::is_ascii(encoded)) {
    address = from_xtext(encoded);
    if (address && !is_printable(*address)) return wrong();
  }
  if (!address || address->empty()) return wrong();
  rcpt.original_recipient = OriginalRecipient{std::string(type), *std::move(address)};
  return {};
}

template <class Target>
struct Parameter {
  std::string_view keyword;
  Trouble (*set)(Target&, Value);
};

constexpr Parameter<Mail> kMailParameters[] = {
    {"SIZE", set_size},           {"BODY", set_body},       {"SMTPUTF8", set_smtp_utf8}, {"AUTH", set_auth},
    {"RET", set_ret},             {"ENVID", set_envelope_id}, {"REQUIRETLS", set_require_tls}, {"BY", set_deliver_by},
    {"HOLDFOR", set_hold_for},    {"HOLDUNTIL", set_hold_until}, {"MT-PRIORITY", set_priority},
};
constexpr Parameter<Rcpt> kRcptParameters[] = {{"NOTIFY", set_notify}, {"ORCPT", set_original_recipient}};

// [RFC5321 4.1.2] Mail-parameters, Rcpt-parameters
template <class Target, std::size_t N>
Trouble take_parameters(std::string_view in, Target& target, const Parameter<Target> (&known)[N]) {
  std::uint32_t seen = 0;
  static_assert(N <= 32);
  while (!in.empty() && is_blank(in.front())) in.remove_prefix(1);
  while (!in.empty()) {
    const auto word = take_word(in);
    const auto equals = word.find('=');
    const auto keyword = word.substr(0, equals);
    if (!is_keyword(keyword)) return bad("Bad parameter");
    Value value;
    if (equals != word.npos) {
      value = word.substr(equals + 1);
      if (value->empty()) return bad("Parameter without value");
    }
    const auto* const found = std::ranges::find_if(known, [&](const auto& p) { return text::iequals(p.keyword, keyword); });
    if (found == std::end(known)) return CommandError{Reply(555, kBadArgument, "Parameter not recognized")};
    const auto bit = 1u << (found - known);
    const auto again = seen & bit;
    seen |= bit;
    // [RFC3461 4.5] [RFC6710 4.1] and all others
    if (again) return bad(std::string(found->keyword) + " given twice", found->keyword == "MT-PRIORITY" ? kBadSyntax : kBadArgument);
    if (auto trouble = found->set(target, value)) return trouble;
  }
  return {};
}

}  // namespace

std::optional<CommandError> take_mail_parameters(std::string_view in, Mail& mail) { return take_parameters(in, mail, kMailParameters); }

std::optional<CommandError> take_rcpt_parameters(std::string_view in, Rcpt& rcpt) { return take_parameters(in, rcpt, kRcptParameters); }

}  // namespace posthorn::smtp
