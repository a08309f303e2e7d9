// Rdata from the form of zone files [RFC1035 5.1].
#include <charconv>
#include <vector>

#include "dns/records.h"
#include "text/ascii.h"

namespace posthorn::dns {
namespace {

Error wrong(Type type) { return {Errc::syntax, "that is no " + std::string(to_string(type)) + " record"}; }

struct Word {
  std::string text;
  bool quoted = false;
};

// Words between spaces; a quoted one may have spaces in it, and backslashes before a quote or a backslash.
Result<std::vector<Word>> words_of(Type type, std::string_view in) {
  std::vector<Word> out;
  for (in = text::trim(in); !in.empty(); in = text::trim(in)) {
    Word word;
    if (in[0] == '"') {
      word.quoted = true;
      in.remove_prefix(1);
      while (!in.empty() && in[0] != '"') {
        if (in[0] == '\\') in.remove_prefix(1);
        if (in.empty()) break;
        word.text += in[0];
        in.remove_prefix(1);
      }
      if (in.empty()) return std::unexpected(wrong(type));
      in.remove_prefix(1);
    } else {
      while (!in.empty() && !text::is_space(in[0])) {
        word.text += in[0];
        in.remove_prefix(1);
      }
    }
    out.push_back(std::move(word));
  }
  return out;
}

// Appends the numbers of the first words, in network order, and takes those words away.
bool put_numbers(std::string& out, std::vector<Word>& words, std::size_t count, std::size_t octets) {
  if (words.size() < count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& text = words[i].text;
    unsigned n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n >> (8 * octets)) return false;
    if (octets == 2) out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 0xff);
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
  return true;
}

bool put_name(std::string& out, const std::vector<Word>& words) {
  if (words.size() != 1) return false;
  const auto name = Name::parse(words[0].text);
  if (name) name->put_wire(out);
  return name.has_value();
}

bool put_address(std::string& out, const std::vector<Word>& words, bool v4) {
  if (words.size() != 1) return false;
  const auto address = IpAddress::parse(words[0].text);
  if (!address || address->is_v4() != v4) return false;
  out.append(address->bytes().begin(), address->bytes().end());
  return true;
}

bool put_strings(std::string& out, const std::vector<Word>& words) {
  for (const auto& word : words) {
    std::string_view rest = word.text;
    do {  // a long one becomes several: readers put them together
      const auto piece = rest.substr(0, 255);
      out += static_cast<char>(piece.size());
      out += piece;
      rest.remove_prefix(piece.size());
    } while (!rest.empty());
  }
  return !words.empty();
}

bool put_hex(std::string& out, const std::vector<Word>& words) {
  std::string digits;
  for (const auto& word : words) digits += word.text;
  if (digits.size() % 2) return false;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = text::hex_value(digits[i]), low = text::hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high << 4 | low);
  }
  return true;
}

}  // namespace

Result<std::string> rdata_from_text(Type type, std::string_view in) {
  TRY(auto words, words_of(type, in));
  std::string out;
  bool good = false;
  switch (type) {
    case Type::a: good = put_address(out, words, true); break;
    case Type::aaaa: good = put_address(out, words, false); break;
    case Type::cname:
    case Type::ptr: good = put_name(out, words); break;
    case Type::mx: good = put_numbers(out, words, 1, 2) && put_name(out, words); break;
    case Type::srv: good = put_numbers(out, words, 3, 2) && put_name(out, words); break;
    case Type::txt: good = put_strings(out, words); break;
    case Type::tlsa: good = put_numbers(out, words, 3, 1) && put_hex(out, words); break;
  }
  if (!good) return std::unexpected(wrong(type));
  return out;
}

}  // namespace posthorn::dns
