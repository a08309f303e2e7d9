#include "proto/pop3/command.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::pop3 {
namespace {

using Outcome = std::expected<Command, CommandError>;

std::unexpected<CommandError> refuse(std::string text) {
  return std::unexpected(CommandError{std::move(text)});
}

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
  if (!in.empty()) return refuse("No argument allowed");
  return C{};
}

template <class C>
Outcome with_number(std::string_view in) {
  const auto n = to_message_number(in);
  if (!n) return refuse("Message number needed");
  return C{*n};
}

template <class C>
Outcome with_optional_number(std::string_view in) {
  if (in.empty()) return C{};
  const auto n = to_message_number(in);
  if (!n) return refuse("Bad message number");
  return C{n};
}

Outcome parse_top(std::string_view in) {
  const auto number = to_message_number(take_word(in));
  const auto lines = to_number(in);
  if (!number || !lines) return refuse("Syntax: TOP message lines");
  return Top{*number, *lines};
}

Outcome parse_user(std::string_view in) {
  if (in.empty()) return refuse("Name needed");
  return User{std::string(in)};
}

Outcome parse_auth(std::string_view in) {
  const auto mechanism = take_word(in);
  const bool name_ok = mechanism.size() <= 20 && std::all_of(mechanism.begin(), mechanism.end(), [](char c) {
                         return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_';
                       });
  if (!name_ok || in.find(' ') != in.npos) return refuse("Syntax: AUTH mechanism [initial-response]");
  Auth auth{text::to_upper(mechanism), {}};
  if (!in.empty()) auth.initial_response = in == "=" ? std::string() : std::string(in);
  return auth;
}

struct Verb {
  std::string_view name;
  Outcome (*parse)(std::string_view arguments);
};

constexpr Verb kVerbs[] = {
    {"USER", parse_user},
    {"APOP", [](std::string_view) -> Outcome { return Apop{}; }},
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
};

}  // namespace

Outcome parse_command(std::string_view line, const CommandLimits& limits) {
  const bool is_auth = text::istarts_with(line, "AUTH ");
  if (line.size() > (is_auth ? limits.auth_line : limits.line)) return refuse("Line too long");
  if (std::any_of(line.begin(), line.end(), [](char c) { return c == '\0' || c == '\r' || c == '\n'; }))
    return refuse("Control character in command");
  // [RFC1939 7] A password may hold spaces, also at its ends: exactly one separates it from the verb.
  if (constexpr std::string_view kPass = "PASS"; text::istarts_with(line, kPass)) {
    if (line.size() == kPass.size()) return refuse("Password needed");
    if (line[kPass.size()] == ' ') return Pass{std::string(line.substr(kPass.size() + 1))};
  }
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  const auto verb = take_word(line);
  for (const auto& known : kVerbs)
    if (text::iequals(verb, known.name)) return known.parse(line);
  return refuse("Unknown command");
}

}  // namespace posthorn::pop3
