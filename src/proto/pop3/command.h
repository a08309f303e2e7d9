// POP3 commands: one line to one struct. [RFC1939] [RFC2449] [RFC2595] [RFC5034] [RFC6856]
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace posthorn::pop3 {

struct User {
  std::string name;
};
struct Pass {
  std::string password;
};  // everything behind "PASS ", spaces included [RFC1939 7]
struct Apop {
  std::string name;
  std::string digest;  // 32 hexadecimal digits in lower case
};
struct Stat {};
struct List {
  std::optional<std::uint32_t> number;
};
struct Uidl {
  std::optional<std::uint32_t> number;
};
struct Retr {
  std::uint32_t number = 0;
};
struct Dele {
  std::uint32_t number = 0;
};
struct Top {
  std::uint32_t number = 0;
  std::uint32_t lines = 0;
};
struct Noop {};
struct Rset {};
struct Quit {};
struct Capa {};
struct Stls {};
struct Auth {                                   // [RFC5034 4]
  std::string mechanism;                        // upper case; empty: list the mechanisms (old clients)
  std::optional<std::string> initial_response;  // still base64; "=" gives an empty string
};
struct Utf8 {};       // [RFC6856 2.1]
struct Lang {         // [RFC6856 3]
  std::string range;  // "*" or a basic language range in lower case [RFC4647 2.1]; empty: which languages are there?
};

using Command =
    std::variant<User, Pass, Apop, Stat, List, Uidl, Retr, Dele, Top, Noop, Rset, Quit, Capa, Stls, Auth, Utf8, Lang>;

struct CommandLimits {
  // [RFC2449 4] 255 octets, [RFC5034 4] 12288 for AUTH with an initial response. Departure: 512 for the
  // others.
  std::size_t line = 512;
  std::size_t auth_line = 12288;
};

enum class CommandError : std::uint8_t {
  line_too_long,
  control_character,
  unknown_command,
  no_argument_allowed,
  bad_message_number,  // none, not a number, 0, or more than 2^32-1
  bad_top,
  name_missing,
  password_missing,
  bad_apop,
  bad_auth,
  bad_language_range,
};

// `line` without its line end. Numbers are 1..2^32-1; whether the message exists is the session's business.
std::expected<Command, CommandError> parse_command(std::string_view line, const CommandLimits& = {});

}  // namespace posthorn::pop3
