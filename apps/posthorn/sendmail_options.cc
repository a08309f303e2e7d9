#include "sendmail_options.h"

#include <algorithm>
#include <string_view>

#include "text/ascii.h"

namespace posthorn {
namespace {

using Mode = SendmailOptions::Mode;

// Letters with a value, in the same word or the next.  -o and -O are options of their own.
constexpr std::string_view kWithValue = "BCFfrhLNORVXApeDdMo";
// Those of them whose value means nothing here.
constexpr std::string_view kIgnored = "BhLOXApeDdM";
// Without a value, and without a meaning here.
constexpr std::string_view kFlags = "imntvUGsx";

Result<void> set_mode(SendmailOptions& out, std::string_view mode) {
  if (mode == "m") out.mode = Mode::deliver;
  else if (mode == "p") out.mode = Mode::list_queue;
  else if (mode == "i" || mode == "I") out.mode = Mode::new_aliases;
  else if (mode == "s") out.mode = Mode::smtp;
  else return fail(Errc::unsupported, "-b" + std::string(mode.substr(0, 10)) + " is not supported");
  return {};
}

bool is_clean(std::string_view text) {
  return text.size() < 1000 && std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

// "<ann@example.org>" and "ann@example.org".
std::string bare(std::string_view address) {
  address = text::trim(address);
  if (address.starts_with('<') && address.ends_with('>')) address = address.substr(1, address.size() - 2);
  return std::string(address);
}

Result<void> set_value(SendmailOptions& out, char letter, const std::string& value) {
  auto& e = out.envelope;
  if (!is_clean(value)) return fail(Errc::invalid, std::string("-") + letter + ": the value is too long, or has a control character");
  switch (letter) {
    case 'f':
    case 'r': e.sender = bare(value); return {};
    case 'F': e.full_name = value; return {};
    case 'C': out.config = value; return {};
    case 'V':
      if (!drop::is_envelope_id(value)) return fail(Errc::invalid, "-V takes 1 to 100 printable characters of ASCII");  // [RFC3461 4.4]
      e.envelope_id = value;
      return {};
    case 'R':
      if (text::iequals(value, "full")) e.ret = smtp::Return::full;
      else if (text::iequals(value, "hdrs") || text::iequals(value, "headers")) e.ret = smtp::Return::headers;
      else return fail(Errc::invalid, "-R is full or hdrs");
      return {};
    case 'N': {
      auto notify = drop::parse_notify(value);
      if (!notify) return fail(Errc::invalid, "-N: " + notify.error().text);
      e.notify = *notify;
      return {};
    }
    case 'o':
      if (value.starts_with('i')) out.dot_ends = false;
      return {};
    default: return {};
  }
}

Result<void> take_option(SendmailOptions& out, const std::vector<std::string>& words, std::size_t& at) {
  const std::string_view word = words[at];
  if (word.starts_with("-b")) return set_mode(out, word.substr(2));
  if (word.starts_with("-q")) {
    out.mode = Mode::run_queue;
    return {};
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char letter = word[i];
    if (kWithValue.find(letter) != kWithValue.npos) {
      // A letter of these ends the word.
      std::string value(word.substr(i + 1));
      const bool may_stand_alone = letter == 'd' || letter == 'o' || letter == 'e';
      if (value.empty() && !may_stand_alone) {
        if (at + 1 == words.size()) return fail(Errc::invalid, std::string("-") + letter + " needs a value");
        value = words[++at];
      }
      if (kIgnored.find(letter) != kIgnored.npos) return {};
      return set_value(out, letter, value);
    }
    if (kFlags.find(letter) == kFlags.npos) return fail(Errc::invalid, std::string("unknown option -") + letter);
    if (letter == 't') out.recipients_from_header = true;
    if (letter == 'i') out.dot_ends = false;
  }
  return {};
}

}  // namespace

Result<SendmailOptions> parse_sendmail(const std::vector<std::string>& words) {
  SendmailOptions out;
  bool options = true;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const auto& word = words[at];
    if (options && word == "--") {
      options = false;
      continue;
    }
    if (options && word.size() > 1 && word[0] == '-') {
      TRY_OK(take_option(out, words, at));
      continue;
    }
    // Several in one word, with commas between, as some programs pass them; a comma within quotes is none.
    if (!is_clean(word)) return fail(Errc::invalid, "a recipient is too long, or has a control character");
    std::string one;
    bool quoted = false;
    for (const char c : word + ',') {
      if (c == '"') quoted = !quoted;
      if (c != ',' || quoted) {
        one += c;
        continue;
      }
      if (const auto address = bare(one); !address.empty()) out.envelope.recipients.push_back(address);
      one.clear();
    }
    if (quoted) return fail(Errc::invalid, "a quote that does not end in '" + word + "'");
  }
  return out;
}

}  // namespace posthorn
