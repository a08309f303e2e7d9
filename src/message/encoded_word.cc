#include "message/encoded_word.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "message/header.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/charset.h"
#include "text/utf8.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxCharset = 64;

struct Word {
  std::string_view charset;
  char encoding = 'q';  // or 'b'
  std::string_view text;
  std::size_t end = 0;  // one past "?="
};

// Finds words from left to right.  Remembers where the next "?=" and "=?" are, so that hostile input costs
// linear time.
class Scanner {
 public:
  explicit Scanner(std::string_view s) : s_(s) {}

  std::size_t next_start(std::size_t from) { return next(start_, "=?", from); }

  // [RFC2047 2] The word that begins at `at`.  Departure: white space is allowed in its text.
  std::optional<Word> take(std::size_t at) {
    const std::size_t charset = at + 2;
    const std::size_t question = s_.substr(0, std::min(s_.size(), charset + kMaxCharset)).find('?', charset);
    if (question == s_.npos || question == charset || question + 2 >= s_.size() || s_[question + 2] != '?')
      return std::nullopt;
    Word word{s_.substr(charset, question - charset), text::to_lower(s_[question + 1]), {}, 0};
    if (word.encoding != 'q' && word.encoding != 'b') return std::nullopt;
    if (std::ranges::any_of(word.charset, [](char c) { return text::is_space(c); })) return std::nullopt;
    const std::size_t begin = question + 3;
    const std::size_t end = next(end_, "?=", begin);
    if (end == s_.npos) return std::nullopt;
    const std::size_t other = next(inner_, "=?", begin);
    if (other != s_.npos && other + 1 < end)
      return std::nullopt;  // another word begins first: this one has no end
    word.text = s_.substr(begin, end - begin);
    word.end = end + 2;
    return word;
  }

 private:
  // REQUIRES: `from` never decreases for one cache.
  std::size_t next(std::optional<std::size_t>& cache, std::string_view what, std::size_t from) {
    if (!cache || *cache < from) cache = s_.find(what, from);
    return *cache;
  }

  std::string_view s_;
  std::optional<std::size_t> start_, end_, inner_;
};

// [RFC2047 4.2]
std::string decode_q(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '=' && i + 2 < in.size() && text::hex_value(in[i + 1]) >= 0 &&
        text::hex_value(in[i + 2]) >= 0) {
      out += static_cast<char>(text::hex_value(in[i + 1]) * 16 + text::hex_value(in[i + 2]));
      i += 2;
    } else {
      out += in[i] == '_' ? ' ' : in[i];
    }
  }
  return out;
}

std::string decode_b(std::string_view in) {
  std::string out;
  text::Base64Decoder decoder;
  decoder.feed(in, out);
  decoder.finish(out);
  return out;
}

bool is_white(std::string_view s) {
  return std::ranges::all_of(s, [](char c) { return text::is_space(c); });
}

// [RFC2047 5] In a phrase only these stand for themselves.
bool is_q_safe(char c) {
  return text::is_alpha(c) || text::is_digit(c) ||
         std::string_view("!*+-/").find(c) != std::string_view::npos;
}

}  // namespace

std::string decode_encoded_words(std::string_view value) {
  const std::string unfolded = unfold(value);
  const std::string_view s = unfolded;
  const bool has_controls =
      std::ranges::any_of(s, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; });
  if (!has_controls && text::is_ascii(s) && s.find("=?") == s.npos) return unfolded;
  std::string out;
  // The converter of the word before, still open: a character may be split between two words.
  std::unique_ptr<text::CharsetConverter> open;
  std::string open_label;
  auto close = [&] {
    if (open) open->finish(out);
    open.reset();
  };
  Scanner scanner(s);
  std::size_t done = 0;  // s[0, done) is in out
  for (std::size_t at = scanner.next_start(0); at != s.npos;) {
    const auto word = scanner.take(at);
    if (!word) {
      at = scanner.next_start(at + 2);
      continue;
    }
    // [RFC2047 6.2] White space between adjacent words is not displayed.
    const std::string_view between = s.substr(done, at - done);
    if (!open || !is_white(between)) {
      close();
      out += text::to_utf8("", between);
    }
    std::string label = text::to_lower(word->charset);
    if (!open || label != open_label) {
      close();
      open = std::make_unique<text::CharsetConverter>(label);
      open_label = std::move(label);
    }
    open->feed(word->encoding == 'b' ? decode_b(word->text) : decode_q(word->text), out);
    done = word->end;
    at = scanner.next_start(done);
  }
  close();
  out += text::to_utf8("", s.substr(done));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' && c != '\t') c = ' ';  // an encoded line end is not one
  return out;
}

std::string encode_encoded_words(std::string_view utf8) {
  const bool plain = std::ranges::all_of(utf8, [](char c) { return c >= ' ' && c < '\x7F'; });
  if (plain && utf8.find("=?") == utf8.npos) return std::string(utf8);
  const std::string repaired = text::repair_utf8(utf8);
  const auto safe = static_cast<std::size_t>(
      std::ranges::count_if(repaired, [](char c) { return is_q_safe(c) || c == ' '; }));
  const bool use_q = safe + 3 * (repaired.size() - safe) <= (repaired.size() + 2) / 3 * 4;
  constexpr std::size_t kText = 75 - 12;  // "=?utf-8?q?" and "?="
  std::string out;
  std::string_view rest = repaired;
  while (!rest.empty()) {
    // [RFC2047 5] Whole characters in every word.
    std::size_t bytes = 0, cost = 0;
    while (bytes < rest.size()) {
      const std::size_t length = text::next_utf8(rest.substr(bytes)).length;
      std::size_t more = 0;
      for (const char c : rest.substr(bytes, length)) more += is_q_safe(c) || c == ' ' ? 1 : 3;
      const std::size_t total = use_q ? cost + more : (bytes + length + 2) / 3 * 4;
      if (total > kText) break;
      cost += more;
      bytes += length;
    }
    if (!out.empty()) out += ' ';
    out += use_q ? "=?utf-8?q?" : "=?utf-8?b?";
    if (use_q) {
      constexpr char kHex[] = "0123456789ABCDEF";
      for (const char c : rest.substr(0, bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ') {
          out += '_';
        } else if (is_q_safe(c)) {
          out += c;
        } else {
          out.append({'=', kHex[byte >> 4], kHex[byte & 15]});
        }
      }
    } else {
      out += text::base64_encode(rest.substr(0, bytes));
    }
    out += "?=";
    rest.remove_prefix(bytes);
  }
  return out;
}

}  // namespace posthorn::message
