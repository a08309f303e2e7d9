// Everything POP3 says to people, in every language it speaks. [RFC6856 3]
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace posthorn::pop3 {

enum class Language : std::uint8_t { english, german };  // English is spoken until LANG asks for another one

enum class Text : std::uint8_t {
  // +OK
  password_please,
  signed_in,        // messages
  messages_octets,  // messages, octets
  octets,
  unique_ids,
  marked,
  nothing_done,
  capabilities,
  mechanisms,
  languages,
  language_chosen,
  utf8_on,
  begin_tls,
  goodbye,
  // -ERR, before the sign-in
  sign_in_first,
  signed_in_already,
  tls_first,
  tls_active,
  tls_not_offered,
  tls_after_utf8,
  use_scram,
  user_first,
  not_utf8,
  unknown_mechanism,
  bad_response,
  given_up,
  apop_not_offered,
  wrong_password,
  throttled,
  in_use,
  login_delay,  // seconds
  no_mailbox,
  cannot_open,
  shutting_down,
  // -ERR, about messages
  no_such_message,
  removed_by_another,
  needs_utf8,
  damaged,
  not_updated,
  temporary,
  failed,
  // -ERR, about the line
  line_too_long,
  control_character,
  unknown_command,
  no_argument_allowed,
  bad_message_number,
  bad_top,
  name_missing,
  password_missing,
  bad_apop,
  bad_auth,
  unknown_language,
};
inline constexpr int kTexts = static_cast<int>(Text::unknown_language) + 1;

// UTF-8; that of English is ASCII [RFC1939 3].  Holds "{}" for each number or name, which follow each other as above.
std::string_view text_in(Language, Text);
// With these in the places of the "{}".
std::string filled(std::string_view text, std::span<const std::string> values);

struct LanguageName {
  std::string_view tag;   // [RFC5646]
  std::string_view name;  // in itself
};
LanguageName name_of(Language);
inline constexpr Language kLanguages[] = {Language::english, Language::german};
// "de" for the range "de", and for "de-at" [RFC4647 3.4]; nothing: no such language.  REQUIRES: lower case.
std::optional<Language> find_language(std::string_view range);

}  // namespace posthorn::pop3
