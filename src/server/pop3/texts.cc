#include "server/pop3/texts.h"

#include <algorithm>
#include <iterator>

namespace posthorn::pop3 {
namespace {

struct Line {
  Text text;
  std::string_view english, german;
};

// In the order of Text.
constexpr Line kLines[] = {
    {Text::password_please, "And the password?", "Und das Passwort?"},
    {Text::signed_in, "{} messages", "{} Nachrichten"},
    {Text::messages_octets, "{} messages ({} octets)", "{} Nachrichten ({} Bytes)"},
    {Text::octets, "{} octets", "{} Bytes"},
    {Text::unique_ids, "Unique ids:", "Eindeutige Kennungen:"},
    {Text::marked, "Marked as deleted", "Zum Löschen vorgemerkt"},
    {Text::nothing_done, "Nothing done", "Nichts getan"},
    {Text::capabilities, "Capabilities:", "Fähigkeiten:"},
    {Text::mechanisms, "Mechanisms:", "Verfahren:"},
    {Text::languages, "Languages:", "Sprachen:"},
    {Text::language_chosen, "English from now on", "Ab jetzt auf Deutsch"},
    {Text::utf8_on, "UTF-8 from now on", "Ab jetzt in UTF-8"},
    {Text::begin_tls, "Begin", "Beginnen Sie"},
    {Text::goodbye, "Goodbye", "Auf Wiedersehen"},

    {Text::sign_in_first, "Sign in first", "Erst anmelden"},
    {Text::signed_in_already, "You have signed in already", "Sie sind schon angemeldet"},
    {Text::tls_first, "Passwords are not taken here without TLS: use STLS first", "Ohne TLS nimmt dieser Server keine Passwörter an: erst STLS"},
    {Text::tls_active, "TLS is active already", "TLS ist schon aktiv"},
    {Text::tls_not_offered, "TLS is not offered here", "TLS gibt es hier nicht"},
    {Text::tls_after_utf8, "STLS comes before UTF8", "STLS muss vor UTF8 kommen"},
    {Text::use_scram, "Passwords are not taken here: use AUTH with a mechanism of SCRAM",
     "Dieser Server nimmt keine Passwörter an: AUTH mit einem SCRAM-Verfahren"},
    {Text::user_first, "USER first", "Erst USER"},
    {Text::not_utf8, "This is no text in UTF-8, or has characters that a name or password cannot have",
     "Das ist kein Text in UTF-8, oder mit Zeichen, die ein Name oder Passwort nicht haben kann"},
    {Text::unknown_mechanism, "Unknown mechanism", "Unbekanntes Verfahren"},
    {Text::bad_response, "That is not what the mechanism asks for", "Danach fragt das Verfahren nicht"},
    {Text::given_up, "As you like", "Wie Sie wünschen"},
    {Text::apop_not_offered, "APOP is not offered: it needs passwords stored in plain text",
     "APOP gibt es hier nicht: dafür müssten Passwörter im Klartext gespeichert sein"},
    {Text::wrong_password, "Wrong user name or password", "Benutzername oder Passwort ist falsch"},
    {Text::throttled, "Too many wrong passwords, try again later", "Zu viele falsche Passwörter, später noch einmal versuchen"},
    {Text::in_use, "Another session has the maildrop open", "Eine andere Sitzung hat das Postfach geöffnet"},
    {Text::login_delay, "Too soon after the last sign-in: wait {} seconds", "Zu früh nach der letzten Anmeldung: {} Sekunden warten"},
    {Text::no_mailbox, "The mailbox that POP3 is to show does not exist", "Das Postfach, das POP3 zeigen soll, gibt es nicht"},
    {Text::cannot_open, "Your mail cannot be opened now", "Ihre Post kann jetzt nicht geöffnet werden"},
    {Text::shutting_down, "The server is shutting down", "Der Server wird heruntergefahren"},

    {Text::no_such_message, "There is no such message", "Diese Nachricht gibt es nicht"},
    {Text::removed_by_another, "It has been removed by another session", "Eine andere Sitzung hat sie gelöscht"},
    {Text::needs_utf8, "This message can be had after UTF8 only", "Diese Nachricht gibt es nur nach UTF8"},
    {Text::damaged, "The stored message is damaged, tell the administrator", "Die gespeicherte Nachricht ist beschädigt, bitte dem Verwalter melden"},
    {Text::not_updated, "The deleted messages could not be removed", "Die gelöschten Nachrichten konnten nicht entfernt werden"},
    {Text::temporary, "Temporary failure, try again later", "Vorübergehende Störung, später noch einmal versuchen"},
    {Text::failed, "That did not work", "Das ging nicht"},

    {Text::line_too_long, "Line too long", "Zeile zu lang"},
    {Text::control_character, "Control character in command", "Steuerzeichen im Befehl"},
    {Text::unknown_command, "Unknown command", "Unbekannter Befehl"},
    {Text::no_argument_allowed, "No argument allowed", "Ohne Argument"},
    {Text::bad_message_number, "Message number needed", "Es fehlt die Nummer einer Nachricht"},
    {Text::bad_top, "Syntax: TOP message lines", "Syntax: TOP Nachricht Zeilen"},
    {Text::name_missing, "Name needed", "Es fehlt der Name"},
    {Text::password_missing, "Password needed", "Es fehlt das Passwort"},
    {Text::bad_apop, "Syntax: APOP name digest", "Syntax: APOP Name Prüfsumme"},
    {Text::bad_auth, "Syntax: AUTH mechanism [initial-response]", "Syntax: AUTH Verfahren [erste-Antwort]"},
    {Text::unknown_language, "Unknown language", "Unbekannte Sprache"},
};
static_assert(std::size(kLines) == kTexts);
static_assert([] {
  for (std::size_t i = 0; i < std::size(kLines); ++i)
    if (static_cast<std::size_t>(kLines[i].text) != i) return false;
  return true;
}());

}  // namespace

std::string_view text_in(Language language, Text text) {
  const auto& line = kLines[static_cast<std::size_t>(text)];
  return language == Language::german ? line.german : line.english;
}

std::string filled(std::string_view text, std::span<const std::string> values) {
  std::string out;
  for (const auto& value : values) {
    const auto place = text.find("{}");
    if (place == std::string_view::npos) break;
    out.append(text.substr(0, place)).append(value);
    text.remove_prefix(place + 2);
  }
  return out.append(text);
}

LanguageName name_of(Language language) {
  return language == Language::german ? LanguageName{"de", "Deutsch"} : LanguageName{"en", "English"};
}

std::optional<Language> find_language(std::string_view range) {
  const auto primary = range.substr(0, range.find('-'));
  const auto* found = std::ranges::find_if(kLanguages, [&](Language l) { return name_of(l).tag == primary; });
  return found == std::end(kLanguages) ? std::nullopt : std::optional(*found);
}

}  // namespace posthorn::pop3
