#include "message/preview.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "message/binary.h"
#include "text/ascii.h"
#include "text/charset.h"
#include "text/utf8.h"

namespace posthorn::message {
namespace {

// REQUIRES: not empty.
char32_t take_character(std::string_view& rest) {
  const auto step = text::next_utf8(rest);
  rest.remove_prefix(step.length);
  return step.character;
}

// Takes characters of text until there are enough; white space of any length is one space.
class PreviewText {
 public:
  bool is_full() const { return characters_ == kPreviewCharacters; }
  void put(char32_t c) {
    if (is_full()) return;
    const bool blank = c <= ' ' || c == 0x7F || c == 0xA0 || c == 0x200B || c == 0x200C || c == 0xFEFF || c == 0xAD || c == 0x34F;
    if (blank) {
      space_ = !out_.empty();
      return;
    }
    if (std::exchange(space_, false)) {
      out_ += ' ';
      if (++characters_ == kPreviewCharacters) return;
    }
    text::append_utf8(out_, c);
    ++characters_;
  }
  std::string take() {
    if (out_.ends_with(' ')) out_.pop_back();
    return std::move(out_);
  }

 private:
  std::string out_;
  std::size_t characters_ = 0;
  bool space_ = false;
};

// Elements whose text is not shown.
constexpr std::array<std::string_view, 5> kHidden = {"script", "style", "head", "title", "template"};
constexpr std::array<std::pair<std::string_view, char32_t>, 12> kEntities = {{{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'},
    {"apos", '\''}, {"nbsp", ' '}, {"copy", 0xA9}, {"hellip", 0x2026}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"rsquo", 0x2019}, {"euro", 0x20AC}}};

class HtmlText {
 public:
  explicit HtmlText(std::string_view html) : rest_(html) {}

  void put_to(PreviewText& out) {
    while (!rest_.empty() && !out.is_full()) {
      if (rest_.front() == '<' && rest_.size() > 1 && (text::is_alpha(rest_[1]) || rest_[1] == '/' || rest_[1] == '!' || rest_[1] == '?')) {
        skip_markup();
        out.put(' ');
      } else if (rest_.front() == '&') {
        out.put(take_entity());
      } else {
        out.put(take_character(rest_));
      }
    }
  }

 private:
  void skip_to(std::string_view end) {
    const auto at = rest_.find(end);
    rest_.remove_prefix(at == rest_.npos ? rest_.size() : at + end.size());
  }
  void skip_markup() {
    if (rest_.starts_with("<!--")) return skip_to("-->");
    rest_.remove_prefix(1);
    std::size_t length = 0;
    while (length < rest_.size() && text::is_alpha(rest_[length])) ++length;
    const std::string name = text::to_lower(rest_.substr(0, length));
    skip_tag();
    if (std::ranges::find(kHidden, name) == kHidden.end()) return;
    while (!rest_.empty()) {  // to the end of the element
      skip_to("</");
      if (text::istarts_with(rest_, name)) return skip_tag();
    }
  }
  // To the end of the tag: a quoted value may contain '>'.
  void skip_tag() {
    char quote = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if ((c == '"' || c == '\'') && i > 0 && rest_[i - 1] == '=') {
        quote = c;
      } else if (c == '>') {
        return rest_.remove_prefix(i + 1);
      }
    }
    rest_ = {};
  }
  char32_t take_entity() {
    const auto end = rest_.substr(0, 12).find(';');
    const std::string_view name = end == rest_.npos ? std::string_view() : rest_.substr(1, end - 1);
    std::optional<char32_t> c;
    if (name.starts_with('#')) {
      const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
      std::uint32_t number = 0;
      const auto digits = name.substr(hex ? 2 : 1);
      const auto got = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
      const bool sound = got.ec == std::errc() && got.ptr == digits.data() + digits.size() && number != 0 && number <= 0x10FFFF;
      if (sound && (number < 0xD800 || number > 0xDFFF)) c = number;
    } else if (const auto* known = std::ranges::find(kEntities, name, [](const auto& e) { return e.first; }); known != kEntities.end()) {
      c = known->second;
    }
    rest_.remove_prefix(c ? end + 1 : 1);
    return c.value_or('&');
  }

  std::string_view rest_;
};

bool may_speak(const Summary& s, const Part& part) {
  if (part.type != "text" || (part.disposition && part.disposition->type == "attachment")) return false;
  for (PartIndex above = part.parent; above != kNoPart; above = s.parts[above].parent)
    if (s.parts[above].is_message()) return false;
  return true;
}

std::string utf8_of(const Part& part, std::string_view body) {
  std::string bytes, utf8;
  auto decoder = TransferDecoder::of(part);
  if (!decoder) return {};
  decoder->feed(body, bytes);
  decoder->finish(bytes);
  const std::string* charset = find_param(part.params, "charset");
  text::CharsetConverter converter(charset == nullptr ? std::string_view() : *charset);
  converter.feed(bytes, utf8);
  converter.finish(utf8);
  return utf8;
}

}  // namespace

PartIndex find_preview_part(const Summary& s) {
  PartIndex html = kNoPart;
  for (PartIndex i = 0; i < s.parts.size(); ++i) {
    const Part& part = s.parts[i];
    if (!may_speak(s, part)) continue;
    if (part.subtype == "plain") return i;
    if (part.subtype == "html" && html == kNoPart) html = i;
  }
  return html;
}

std::string preview(const Part& part, std::string_view body) {
  const std::string utf8 = utf8_of(part, body.substr(0, kPreviewBytes));
  PreviewText out;
  if (part.subtype == "html") {
    HtmlText(utf8).put_to(out);
  } else {
    for (std::string_view rest = utf8; !rest.empty() && !out.is_full();) out.put(take_character(rest));
  }
  return out.take();
}

}  // namespace posthorn::message
