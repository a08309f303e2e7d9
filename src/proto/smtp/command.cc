#include "proto/smtp/command.h"

#include <algorithm>
#include <limits>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::smtp {
namespace {

using Outcome = std::expected<Command, CommandError>;

constexpr EnhancedCode kBadSender{5, 1, 7};
constexpr EnhancedCode kBadRecipient{5, 1, 3};
constexpr EnhancedCode kBadSyntax{5, 5, 2};
constexpr EnhancedCode kBadArgument{5, 5, 4};
constexpr EnhancedCode kNeedsUtf8{5, 6, 7};  // [RFC6531 3.5]

std::unexpected<CommandError> refuse(int code, EnhancedCode enhanced, std::string text) {
  return std::unexpected(CommandError{Reply(code, enhanced, std::move(text))});
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view take_word(std::string_view& in) {
  const auto n = std::find_if(in.begin(), in.end(), is_blank) - in.begin();
  const auto word = in.substr(0, n);
  in.remove_prefix(n);
  while (!in.empty() && is_blank(in.front())) in.remove_prefix(1);
  return word;
}

// Digits only. Too large a number saturates.
std::optional<std::uint64_t> to_number(std::string_view s) {
  if (s.empty() || !std::all_of(s.begin(), s.end(), [](char c) { return text::is_digit(c); })) return {};
  std::uint64_t n = 0;
  for (char c : s) {
    if (n > (std::numeric_limits<std::uint64_t>::max() - 9) / 10)
      return std::numeric_limits<std::uint64_t>::max();
    n = n * 10 + (c - '0');
  }
  return n;
}

// [RFC3461 4] xtext, with the octets above 127 of [RFC6533] let through.
std::optional<std::string> from_xtext(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (static_cast<unsigned char>(s[i]) < 33 || s[i] == '=' || s[i] == 0x7f) return {};
    if (s[i] != '+') {
      out += s[i];
      continue;
    }
    if (s.size() - i < 3) return {};
    const int high = text::hex_value(s[i + 1]), low = text::hex_value(s[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

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

std::unexpected<CommandError> address_error(const Error& e, EnhancedCode enhanced) {
  // [RFC5321 4.2.2] 553 for a name that is not allowed: well-formed, but no domain.
  return refuse(e.code == Errc::invalid ? 553 : 501, enhanced, e.text);
}

std::optional<CommandError> set_mail_parameter(Mail& mail, std::string_view keyword,
                                               std::optional<std::string_view> value) {
  auto bad = [&](std::string what) { return CommandError{Reply(501, kBadArgument, std::move(what))}; };
  if (text::iequals(keyword, "SIZE")) {  // [RFC1870 4] size-value = 1*20DIGIT
    if (mail.size || !value || value->size() > 20) return bad("Bad SIZE parameter");
    mail.size = to_number(*value);
    if (!mail.size) return bad("Bad SIZE parameter");
  } else if (text::iequals(keyword, "BODY")) {
    if (!value) return bad("Bad BODY parameter");
    if (text::iequals(*value, "7BIT"))
      mail.body = Body::seven_bit;
    else if (text::iequals(*value, "8BITMIME"))
      mail.body = Body::eight_bit_mime;
    else if (text::iequals(*value, "BINARYMIME"))
      mail.body = Body::binary_mime;
    else
      return bad("Bad BODY parameter");
  } else if (text::iequals(keyword, "SMTPUTF8")) {
    if (value) return bad("SMTPUTF8 takes no value");  // [RFC6531 3.4]
    mail.smtp_utf8 = true;
  } else if (text::iequals(keyword, "AUTH")) {
    if (mail.auth || !value) return bad("Bad AUTH parameter");
    mail.auth = to_auth_identity(*value);
    if (!mail.auth) return bad("Bad AUTH parameter");
  } else {
    // [RFC5321 4.1.1.11] RET and ENVID are here too: DSN is not offered.
    return CommandError{Reply(555, kBadArgument, "Parameter not recognized")};
  }
  return {};
}

// [RFC5321 4.1.2] Mail-parameters, Rcpt-parameters
template <class Set>
std::optional<CommandError> take_parameters(std::string_view in, Set set) {
  while (!in.empty() && is_blank(in.front())) in.remove_prefix(1);
  while (!in.empty()) {
    const auto word = take_word(in);
    const auto equals = word.find('=');
    const auto keyword = word.substr(0, equals);
    if (keyword.empty() || !std::all_of(keyword.begin(), keyword.end(), [](char c) {
          return text::is_alpha(c) || text::is_digit(c) || c == '-';
        }))
      return CommandError{Reply(501, kBadArgument, "Bad parameter")};
    std::optional<std::string_view> value;
    if (equals != word.npos) {
      value = word.substr(equals + 1);
      if (value->empty()) return CommandError{Reply(501, kBadArgument, "Parameter without value")};
    }
    if (auto error = set(keyword, value)) return error;
  }
  return {};
}

// "FROM:" or "TO:". [RFC5321 3.3] No space may follow it. Departure: we accept some, old clients send them.
bool take_label(std::string_view& in, std::string_view label) {
  if (!text::istarts_with(in, label)) return false;
  in.remove_prefix(label.size());
  while (!in.empty() && is_blank(in.front())) in.remove_prefix(1);
  return true;
}

Outcome parse_mail(std::string_view in, const CommandOptions& options) {
  if (!take_label(in, "FROM:")) return refuse(501, kBadArgument, "Syntax: MAIL FROM:<address>");
  Mail mail;
  auto path = take_reverse_path(in, options.limits.address);
  if (!path) return address_error(path.error(), kBadSender);
  mail.reverse_path = std::move(*path);
  if (auto error = take_parameters(
          in, [&](auto keyword, auto value) { return set_mail_parameter(mail, keyword, value); }))
    return std::unexpected(std::move(*error));
  // [RFC6531 3.5] 550 for MAIL, 553 for RCPT.
  if (mail.reverse_path && needs_smtp_utf8(*mail.reverse_path) && !mail.smtp_utf8)
    return refuse(550, kNeedsUtf8, "Address needs SMTPUTF8");
  return mail;
}

Outcome parse_rcpt(std::string_view in, const CommandOptions& options) {
  if (!take_label(in, "TO:")) return refuse(501, kBadArgument, "Syntax: RCPT TO:<address>");
  auto path = take_forward_path(in, options.limits.address);
  if (!path) return address_error(path.error(), kBadRecipient);
  // [RFC5321 4.1.1.11] NOTIFY and ORCPT are refused here: DSN is not offered.
  if (auto error = take_parameters(in, [](auto, auto) -> std::optional<CommandError> {
        return CommandError{Reply(555, kBadArgument, "Parameter not recognized")};
      }))
    return std::unexpected(std::move(*error));
  if (needs_smtp_utf8(*path) && !options.transaction_is_utf8)
    return refuse(553, kNeedsUtf8, "Address needs SMTPUTF8");
  return Rcpt{std::move(*path)};
}

Outcome parse_bdat(std::string_view in) {
  const auto size = to_number(take_word(in));
  const bool last = text::iequals(in, "LAST");
  if (!size || *size > std::numeric_limits<std::int64_t>::max() || (!in.empty() && !last)) {
    // With a readable size the chunk could be skipped, but no client that works sends such a command.
    return std::unexpected(CommandError{Reply(501, kBadArgument, "Syntax: BDAT size [LAST]"), true});
  }
  return Bdat{*size, last};
}

Outcome parse_auth(std::string_view in) {
  const auto mechanism = take_word(in);
  const bool name_ok = !mechanism.empty() && mechanism.size() <= 20 &&  // [RFC4422 3.1]
                       std::all_of(mechanism.begin(), mechanism.end(), [](char c) {
                         return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_';
                       });
  if (!name_ok || in.find_first_of(" \t") != in.npos)
    return refuse(501, kBadArgument, "Syntax: AUTH mechanism [initial-response]");
  Auth auth{text::to_upper(mechanism), {}};
  if (!in.empty()) auth.initial_response = in == "=" ? std::string() : std::string(in);
  return auth;
}

// [RFC5321 4.1.4] A server must not refuse mail because a client does not know its own name, and many call
// themselves something that is no Domain (underscores, bare IP addresses): anything printable goes.
template <class Hello>
Outcome parse_hello(std::string_view in) {
  const bool printable = std::all_of(in.begin(), in.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (in.empty() || in.size() > 255 || !printable) return refuse(501, kBadArgument, "Host name needed");
  return Hello{std::string(in)};
}

template <class C>
Outcome without_argument(std::string_view in) {
  if (!in.empty()) return refuse(501, kBadArgument, "No argument allowed");
  return C{};
}

template <class C>
Outcome with_text(std::string_view in) {
  return C{std::string(in)};
}

template <class C>
Outcome with_needed_text(std::string_view in) {
  if (in.empty()) return refuse(501, kBadArgument, "Argument needed");
  return C{std::string(in)};
}

struct Verb {
  std::string_view name;
  Outcome (*parse)(std::string_view arguments);
};

constexpr Verb kVerbs[] = {
    {"EHLO", parse_hello<Ehlo>},
    {"HELO", parse_hello<Helo>},
    {"LHLO", parse_hello<Lhlo>},
    {"DATA", without_argument<Data>},
    {"BDAT", parse_bdat},
    {"RSET", without_argument<Rset>},
    {"NOOP", [](std::string_view) -> Outcome { return Noop{}; }},  // [RFC5321 4.1.1.9] its text is ignored
    {"QUIT", without_argument<Quit>},
    {"VRFY", with_needed_text<Vrfy>},
    {"EXPN", with_needed_text<Expn>},
    {"HELP", with_text<Help>},
    {"STARTTLS", without_argument<StartTls>},
    {"AUTH", parse_auth},
};

}  // namespace

Outcome parse_command(std::string_view line, const CommandOptions& options) {
  const bool is_auth = text::istarts_with(line, "AUTH ");
  if (line.size() > (is_auth ? options.limits.auth_line : options.limits.line)) {
    auto error = refuse(500, kBadSyntax, "Line too long");  // [RFC5321 4.5.3.1.9]
    // What is too long is no command whose chunk could follow, unless it is a BDAT.
    error.error().desynchronised = text::istarts_with(line, "BDAT");
    return error;
  }
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  const bool clean = std::none_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
  const auto verb = take_word(line);
  if (!clean) {
    auto error = refuse(500, kBadSyntax, "Control character in command");
    error.error().desynchronised = text::iequals(verb, "BDAT");
    return error;
  }
  if (text::iequals(verb, "MAIL")) return parse_mail(line, options);
  if (text::iequals(verb, "RCPT")) return parse_rcpt(line, options);
  for (const auto& known : kVerbs)
    if (text::iequals(verb, known.name)) return known.parse(line);
  auto name = text::to_upper(verb.substr(0, 32));
  for (char& c : name)
    if (!text::is_ascii(c)) c = '?';
  return Unknown{std::move(name)};
}

}  // namespace posthorn::smtp
