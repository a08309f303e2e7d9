#include "message/dsn_text.h"

#include <algorithm>
#include <array>

#include "message/dsn_fields.h"
#include "message/encoded_word.h"
#include "message/foreign_text.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxNamed = 100;  // recipients; the fields have them all
constexpr std::size_t kMaxSubject = 200;
constexpr std::size_t kMaxAddress = 400;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kWidth = 74;

struct Phrase {
  std::string_view english, german;  // "\n" breaks lines, "%" is replaced
  std::string_view in(Language l) const { return l == Language::german ? german : english; }
};

// clang-format off
constexpr Phrase kGreeting{
    "This is the mail server %.",
    "Hier ist der Mailserver %."};
constexpr Phrase kAboutMessage{
    "It is about your message:",
    "Es geht um Ihre Nachricht:"};
constexpr Phrase kAboutLost{
    "The message below came without a return address (it is a notification\n"
    "or another automatic message), so that nobody else can be told.",
    "Die folgende Nachricht hat keine Rücksendeadresse (sie ist selbst eine\n"
    "Benachrichtigung oder sonst automatisch entstanden); deshalb erfahren Sie\n"
    "davon."};
constexpr Phrase kSubject{"Subject", "Betreff"};
constexpr Phrase kReceived{"Received here", "Hier eingegangen"};
constexpr Phrase kReference{"Your reference", "Ihr Zeichen"};
constexpr Phrase kServerSaid{"The server % answered:", "Der Server % hat geantwortet:"};
constexpr Phrase kReason{"Reason:", "Grund:"};
constexpr Phrase kMore{"... and % more, see the attached report.", "... und % weitere, siehe den beigefügten Bericht."};

constexpr Phrase kIntroduction[] = {  // by DsnAction
    {"It could NOT be delivered to:",
     "Sie konnte NICHT zugestellt werden an:"},
    {"It could not be delivered YET to:",
     "Sie konnte NOCH NICHT zugestellt werden an:"},
    {"It was delivered to:",
     "Sie wurde zugestellt an:"},
    {"It was passed on to the server of these recipients, which does not\nconfirm delivery:",
     "Sie wurde an den Server dieser Empfänger übergeben, der die Zustellung\nnicht bestätigt:"},
    {"It was delivered to these addresses, and passed on to those who are\nbehind them:",
     "Sie wurde an diese Adressen zugestellt und an alle weitergegeben, die\ndahinter stehen:"},
};
constexpr Phrase kConclusion[] = {  // by DsnAction
    {"It will not be tried again. Please send the message again if it is still\nneeded, once the reason is gone.",
     "Es wird nicht weiter versucht. Bitte senden Sie die Nachricht noch einmal,\nwenn sie noch gebraucht wird und der Grund behoben ist."},
    {"This is only a warning: YOU NEED NOT DO ANYTHING. The server keeps trying\n% and will tell you if it has to give up.",
     "Dies ist nur eine Warnung: SIE MÜSSEN NICHTS TUN. Der Server versucht es\n% weiter und meldet sich, wenn er aufgeben muss."},
    {"", ""},
    {"You will hear of it again only if delivery fails there.",
     "Sie hören davon nur wieder, wenn die Zustellung dort misslingt."},
    {"You will hear of it again only if delivery to one of them fails.",
     "Sie hören davon nur wieder, wenn die Zustellung an jemanden misslingt."},
};
constexpr Phrase kUntil{"until %", "bis %"};
constexpr Phrase kForSomeDays{"for some days", "noch einige Tage"};
constexpr Phrase kPostmasterConclusion{
    "It will not be tried again. The sender cannot be told.",
    "Es wird nicht weiter versucht. Der Absender kann nicht benachrichtigt werden."};

constexpr Phrase kWholeComesBack{
    "The message is attached.",
    "Die Nachricht ist beigefügt."};
constexpr Phrase kHeadersComeBack[] = {  // by LeftOut
    {"", ""},
    {"Only the header of the message is attached, for it is a large one.",
     "Wegen der Größe der Nachricht ist nur ihr Kopf beigefügt."},
    {"Only the header of the message is attached, for its content is binary.",
     "Nur der Kopf der Nachricht ist beigefügt, denn ihr Inhalt ist binär."},
    {"The header of the message is attached.",
     "Der Kopf der Nachricht ist beigefügt."},
};

constexpr Phrase kSubjects[] = {  // by DsnAction
    {"Undeliverable", "Unzustellbar"},
    {"Delayed", "Verzögert"},
    {"Delivered", "Zugestellt"},
    {"Passed on", "Weitergegeben"},
    {"Delivered", "Zugestellt"},
};
constexpr Phrase kNoSubject{"your message", "Ihre Nachricht"};

// What can be said, and done, about a failure: the first row whose code fits.  A trailing "." fits all that begin so.
// [RFC3463 3] [RFC6531 4] and the registry of enhanced status codes
struct Advice {
  std::string_view code;  // without the class
  Phrase phrase;
};
constexpr Advice kAdvice[] = {
    {"1.2",  {"The domain does not exist or takes no mail. Please check what is behind\nthe @.",
              "Die Domain gibt es nicht, oder sie nimmt keine Mail an. Bitte prüfen Sie,\nwas hinter dem @ steht."}},
    {"1.10", {"The domain takes no mail. Please check what is behind the @.",
              "Die Domain nimmt keine Mail an. Bitte prüfen Sie, was hinter dem @ steht."}},
    {"1.7",  {"The server refused your address as sender.",
              "Der Server hat Ihre Absenderadresse abgelehnt."}},
    {"1.8",  {"The server refused your address as sender.",
              "Der Server hat Ihre Absenderadresse abgelehnt."}},
    {"1.",   {"The address does not exist there. Please check how it is written, or ask\nthe recipient for the right one.",
              "Die Adresse gibt es dort nicht. Bitte prüfen Sie die Schreibweise, oder\nfragen Sie den Empfänger nach der richtigen."}},
    {"2.1",  {"The mailbox takes no mail at present.",
              "Das Postfach nimmt zurzeit keine Mail an."}},
    {"2.2",  {"The mailbox is full. Please try again later, or tell the recipient in\nanother way.",
              "Das Postfach ist voll. Bitte versuchen Sie es später noch einmal, oder\nverständigen Sie den Empfänger auf anderem Wege."}},
    {"2.3",  {"The message is too large for the recipient. Please send less, or a link.",
              "Die Nachricht ist für den Empfänger zu groß. Bitte senden Sie weniger oder\neinen Link."}},
    {"3.4",  {"The message is too large for the server. Please send less, or a link.",
              "Die Nachricht ist für den Server zu groß. Bitte senden Sie weniger oder\neinen Link."}},
    {"4.6",  {"The message went in circles between servers. Only those who run them can\nmend this; please show them this report.",
              "Die Nachricht lief zwischen Servern im Kreis. Das können nur deren Betreiber\nbeheben; bitte zeigen Sie ihnen diesen Bericht."}},
    {"4.7",  {"It could not be delivered in the time that was given for it.",
              "Sie ließ sich in der dafür vorgesehenen Zeit nicht zustellen."}},
    {"4.",   {"The server of the recipient could not be reached. Please check what is\nbehind the @.",
              "Der Server des Empfängers war nicht zu erreichen. Bitte prüfen Sie, was\nhinter dem @ steht."}},
    {"6.7",  {"A server on the way takes no addresses with such characters.",
              "Ein Server auf dem Weg nimmt Adressen mit solchen Zeichen nicht an."}},
    {"6.9",  {"A server on the way takes no messages whose header has other than ASCII\ncharacters.",
              "Ein Server auf dem Weg nimmt keine Nachrichten an, deren Kopf andere als\nASCII-Zeichen hat."}},
    {"6.",   {"The server cannot take a message of this form.",
              "Der Server kann eine Nachricht dieser Form nicht annehmen."}},
    {"7.10", {"No connection was possible that is encrypted as it has to be.",
              "Es war keine Verbindung möglich, die so verschlüsselt ist wie verlangt."}},
    {"7.30", {"You asked for encryption on the whole way (REQUIRETLS), and the server does\nnot promise it.",
              "Sie haben Verschlüsselung auf dem ganzen Weg verlangt (REQUIRETLS), und der\nServer sagt sie nicht zu."}},
    {"7.",   {"The server refused the message because of its rules. What it said may tell\nwhy; else its postmaster can.",
              "Der Server hat die Nachricht aufgrund seiner Regeln abgelehnt. Warum, sagt\nvielleicht seine Antwort, sonst sein Postmaster."}},
};
constexpr Phrase kTriedForLong{
    "It was tried again and again, without success.",
    "Es wurde immer wieder versucht, ohne Erfolg."};
// clang-format on

std::string fill(std::string_view phrase, std::string_view with) {
  std::string out(phrase);
  if (const auto at = out.find('%'); at != out.npos) out.replace(at, 1, with);
  return out;
}

class Text {
 public:
  explicit Text(Language language) : language_(language) {}

  std::string_view in(const Phrase& phrase) const { return phrase.in(language_); }
  void line(std::string_view text = "") { out_.append(text).append("\r\n"); }
  void indented(std::string_view text) { line("    " + std::string(text)); }
  void phrase(std::string_view text, std::string_view indent = "");
  void quoted(std::string_view text);
  void paragraph(std::string_view text) {
    if (text.empty()) return;
    phrase(text);
    line();
  }
  std::string take() { return std::move(out_); }

 private:
  Language language_;
  std::string out_;
};

void Text::phrase(std::string_view text, std::string_view indent) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line(std::string(indent) + std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// What somebody else said, broken at blanks.
void Text::quoted(std::string_view text) {
  constexpr std::string_view kIndent = "        ";
  std::string current;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (!current.empty() && kIndent.size() + current.size() + 1 + end > kWidth) {
      line(std::string(kIndent) + current);
      current.clear();
    }
    if (end > 0) current.append(current.empty() ? "" : " ").append(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!current.empty()) line(std::string(kIndent) + current);
}

std::string_view advice_for(const DsnRecipient& recipient, Language language) {
  if (recipient.action != DsnAction::failed) return "";
  const std::string status = status_of(recipient);
  const std::string_view code = std::string_view(status).substr(2);
  const auto fits = [&](const Advice& a) { return a.code.ends_with('.') ? code.starts_with(a.code) : code == a.code; };
  if (const auto* const found = std::ranges::find_if(kAdvice, fits); found != std::end(kAdvice)) return found->phrase.in(language);
  return status.starts_with('4') ? kTriedForLong.in(language) : "";
}

void put_recipient(Text& out, const DsnRecipient& r, Language language) {
  out.line("<" + clean_text(r.final_recipient, kMaxAddress) + ">");
  out.phrase(advice_for(r, language), "    ");
  const auto lines = diagnostic_lines(r);
  if (!lines.empty()) {
    std::string server = clean_text(r.remote_mta, kMaxName);
    if (!r.remote_address.empty()) server.append(server.empty() ? "[" : " [").append(clean_text(r.remote_address, 64)).append("]");
    out.indented(r.is_smtp_reply ? fill(out.in(kServerSaid), server) : std::string(out.in(kReason)));
    for (const auto& line : lines) out.quoted(line);
  }
  out.line();
}

std::string decoded_subject(const DsnMessage& message) {
  return message.subject ? clean_text(text::trim(decode_encoded_words(std::string_view(*message.subject).substr(0, 2000))), kMaxSubject) : "";
}

void put_conclusion(Text& out, const DsnContext& context, DsnAction action, std::span<const DsnRecipient> recipients) {
  if (action == DsnAction::failed && context.audience == Audience::postmaster) return out.paragraph(out.in(kPostmasterConclusion));
  const auto conclusion = out.in(kConclusion[static_cast<std::size_t>(action)]);
  if (action != DsnAction::delayed) return out.paragraph(conclusion);
  std::optional<text::DateTime> until;
  for (const auto& r : recipients)
    if (r.action == action && r.will_retry_until && (!until || r.will_retry_until->time > until->time)) until = r.will_retry_until;
  out.paragraph(fill(conclusion, until ? fill(out.in(kUntil), text::format_rfc5322_date(*until)) : std::string(out.in(kForSomeDays))));
}

}  // namespace

std::string dsn_subject(const DsnContext& context, const DsnMessage& message, DsnAction action) {
  const std::string subject = decoded_subject(message);
  std::string out(kSubjects[static_cast<std::size_t>(action)].in(context.language));
  return out.append(": ").append(subject.empty() ? kNoSubject.in(context.language) : subject);
}

std::string dsn_text(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients, LeftOut left_out) {
  Text out(context.language);
  out.paragraph(fill(out.in(kGreeting), clean_text(context.reporting_mta, kMaxName)));
  out.paragraph(out.in(context.audience == Audience::postmaster ? kAboutLost : kAboutMessage));
  const auto detail = [&](const Phrase& name, const std::string& value) {
    if (!value.empty()) out.indented(std::string(out.in(name)) + ": " + value);
  };
  detail(kSubject, decoded_subject(message));
  detail(kReceived, text::format_rfc5322_date(message.arrival));
  detail(kReference, clean_text(message.envelope_id.value_or(""), 100));
  out.line();

  std::size_t named = 0;
  for (const auto action : {DsnAction::failed, DsnAction::delayed, DsnAction::relayed, DsnAction::delivered, DsnAction::expanded}) {
    const auto is_its = [&](const DsnRecipient& r) { return r.action == action; };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(recipients, is_its));
    if (count == 0) continue;
    out.paragraph(out.in(kIntroduction[static_cast<std::size_t>(action)]));
    std::size_t left = count;
    for (const auto& r : recipients) {
      if (!is_its(r) || named == kMaxNamed) continue;
      put_recipient(out, r, context.language);
      ++named;
      --left;
    }
    if (left > 0) out.paragraph(fill(out.in(kMore), std::to_string(left)));
    put_conclusion(out, context, action, recipients);
  }
  out.phrase(out.in(left_out == LeftOut::nothing ? kWholeComesBack : kHeadersComeBack[static_cast<std::size_t>(left_out)]));
  return out.take();
}

}  // namespace posthorn::message
