#include "proto/pop3/command.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::pop3 {
namespace {

using Outcome = std::expected<Command, CommandError>;

std::unexpected<CommandError> refuse(CommandError why) { return std::unexpected(why); }

std::string_view take_word(std::string_view& in) {
  const auto word = in.substr(0, in.find(' '));
  in.remove_prefix(word.size());
  while (!in.empty() && in.front() == ' ') in.remove_prefix(1);
  return word;
}

std::optional<std::uint32_t> to_number(std::string_view s) {
  if (s.empty() || s.size() > 10) return {};
  std::uint64_t n = 0;
  for (char c : s) {
    if (!text::is_digit(c)) return {};
    n = n * 10 + (c - '0');
  }
  if (n > 0xFFFF'FFFF) return {};
  return static_cast<std::uint32_t>(n);
}

std::optional<std::uint32_t> to_message_number(std::string_view s) {
  const auto n = to_number(s);
  return n == 0u ? std::nullopt : n;
}

template <class C>
Outcome without_argument(std::string_view in) {
  if (!in.empty()) return refuse(CommandError::no_argument_allowed);
  return C{};
}

template <class C>
Outcome with_number(std::string_view in) {
  const auto n = to_message_number(in);
  if (!n) return refuse(CommandError::bad_message_number);
  return C{*n};
}

template <class C>
Outcome with_optional_number(std::string_view in) {
  if (in.empty()) return C{};
  const auto n = to_message_number(in);
  if (!n) return refuse(CommandError::bad_message_number);
  return C{n};
}

Outcome parse_top(std::string_view in) {
  const auto number = to_message_number(take_word(in));
  const auto lines = to_number(in);
  if (!number || !lines) return refuse(CommandError::bad_top);
  return Top{*number, *lines};
}

Outcome parse_user(std::string_view in) {
  if (in.empty()) return refuse(CommandError::name_missing);
  return User{std::string(in)};
}

Outcome parse_auth(std::string_view in) {
  const auto mechanism = take_word(in);
  const bool name_ok = mechanism.size() <= 20 && std::all_of(mechanism.begin(), mechanism.end(), [](char c) {
                         return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_';
                       });
  if (!name_ok || in.find(' ') != in.npos) return refuse(CommandError::bad_auth);
  Auth auth{text::to_upper(mechanism), {}};
  if (!in.empty()) auth.initial_response = in == "=" ? std::string() : std::string(in);
  return auth;
}

// [RFC1939 7] The digest is the last word: a name may have spaces, as in USER.
Outcome parse_apop(std::string_view in) {
  const auto space = in.rfind(' ');
  if (space == in.npos || space == 0) return refuse(CommandError::bad_apop);
  const auto digest = in.substr(space + 1);
  const auto is_hex = [](char c) { return text::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (digest.size() != 32 || !std::ranges::all_of(digest, is_hex)) return refuse(CommandError::bad_apop);
  return Apop{std::string(in.substr(0, space)), text::to_lower(digest)};
}

// [RFC4647 2.1] Words of at most 8 letters and digits, with hyphens between them.
bool is_language_range(std::string_view in) {
  for (;;) {
    const auto word = in.substr(0, in.find('-'));
    const bool is_word = std::ranges::all_of(word, [](char c) { return text::is_alpha(c) || text::is_digit(c); });
    if (word.empty() || word.size() > 8 || !is_word) return false;
    if (word.size() == in.size()) return true;
    in.remove_prefix(word.size() + 1);
  }
}

Outcome parse_lang(std::string_view in) {
  if (!in.empty() && in != "*" && !is_language_range(in)) return refuse(CommandError::bad_language_range);
  return Lang{text::to_lower(in)};
}

struct Verb {
  std::string_view name;
  Outcome (*parse)(std::string_view arguments);
};

constexpr Verb kVerbs[] = {
    {"USER", parse_user},
    {"APOP", parse_apop},
    {"STAT", without_argument<Stat>},
    {"LIST", with_optional_number<List>},
    {"UIDL", with_optional_number<Uidl>},
    {"RETR", with_number<Retr>},
    {"DELE", with_number<Dele>},
    {"TOP", parse_top},
    {"NOOP", without_argument<Noop>},
    {"RSET", without_argument<Rset>},
    {"QUIT", without_argument<Quit>},
    {"CAPA", without_argument<Capa>},
    {"STLS", without_argument<Stls>},
    {"AUTH", parse_auth},
    {"UTF8", without_argument<Utf8>},
    {"LANG", parse_lang},
};

}  // namespace

Outcome parse_command(std::string_view line, const CommandLimits& limits) {
  const bool is_auth = text::istarts_with(line, "AUTH ");
  if (line.size() > (is_auth ? limits.auth_line : limits.line)) return refuse(CommandError::line_too_long);
  if (std::any_of(line.begin(), line.end(), [](char c) { return c == '\0' || c == '\r' || c == '\n'; }))
    return refuse(CommandError::control_character);
  // [RFC1939 7] A password may hold spaces, also at its ends: exactly one separates it from the verb.
  if (constexpr std::string_view kPass = "PASS"; text::istarts_with(line, kPass)) {
    if (line.size() == kPass.size()) return refuse(CommandError::password_missing);
    if (line[kPass.size()] == ' ') return Pass{std::string(line.substr(kPass.size() + 1))};
  }
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  const auto verb = take_word(line);
  for (const auto& known : kVerbs)
    if (text::iequals(verb, known.name)) return known.parse(line);
  return refuse(CommandError::unknown_command);
}

}  // namespace posthorn::pop3
