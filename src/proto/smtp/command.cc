#include "proto/smtp/command.h"

#include <algorithm>
#include <limits>

#include "proto/smtp/parameters.h"
#include "proto/smtp/words.h"
#include "text/ascii.h"

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

std::unexpected<CommandError> address_error(const Error& e, EnhancedCode enhanced) {
  // [RFC5321 4.2.2] 553 for a name that is not allowed: well-formed, but no domain.
  return refuse(e.code == Errc::invalid ? 553 : 501, enhanced, e.text);
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
  if (auto error = take_mail_parameters(in, mail)) return std::unexpected(std::move(*error));
  // [RFC6531 3.5] 550 for MAIL, 553 for RCPT.
  if (mail.reverse_path && needs_smtp_utf8(*mail.reverse_path) && !mail.smtp_utf8)
    return refuse(550, kNeedsUtf8, "Address needs SMTPUTF8");
  return mail;
}

Outcome parse_rcpt(std::string_view in, const CommandOptions& options) {
  if (!take_label(in, "TO:")) return refuse(501, kBadArgument, "Syntax: RCPT TO:<address>");
  auto path = take_forward_path(in, options.limits.address);
  if (!path) return address_error(path.error(), kBadRecipient);
  Rcpt rcpt{.forward_path = std::move(*path), .notify = {}, .original_recipient = {}};
  if (auto error = take_rcpt_parameters(in, rcpt)) return std::unexpected(std::move(*error));
  if (needs_smtp_utf8(rcpt.forward_path) && !options.transaction_is_utf8)
    return refuse(553, kNeedsUtf8, "Address needs SMTPUTF8");
  return rcpt;
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

// [RFC1985 5] 500 without a name, 501 for one that is none.
Outcome parse_etrn(std::string_view in) {
  if (in.empty()) return refuse(500, kBadArgument, "Syntax: ETRN [@|#]name");
  Etrn etrn;
  if (in.front() == '@') etrn.what = Etrn::What::domain_and_below;
  else if (in.front() == '#') etrn.what = Etrn::What::queue;
  if (etrn.what != Etrn::What::host) in.remove_prefix(1);
  const bool printable = std::all_of(in.begin(), in.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const bool named = etrn.what == Etrn::What::queue ? !in.empty() && in.size() <= 255 : is_domain(in) && in.find('.') != in.npos;
  if (!printable || !named) return refuse(501, kBadArgument, "Bad name");
  etrn.name = in;
  return etrn;
}

template <class Take>
Outcome parse_attributes(std::string_view in, Take take) {
  auto taken = take(in);
  if (!taken) return std::unexpected(std::move(taken).error());
  return *std::move(taken);
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
    {"ETRN", parse_etrn},
    {"XCLIENT", [](std::string_view in) { return parse_attributes(in, take_xclient); }},
    {"XFORWARD", [](std::string_view in) { return parse_attributes(in, take_xforward); }},
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
