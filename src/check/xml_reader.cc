#include "check/xml_reader.h"

#include <algorithm>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::check {
namespace {

bool is_name_end(char c) { return text::is_space(c) || c == '/' || c == '>' || c == '=' || c == '<' || c == '"' || c == '\'' || c == '&'; }

// [XML 1.0 2.2] What a character by number may be.
bool is_character(char32_t c) {
  return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  Result<XmlElement> document() {
    TRY_OK(pass_over_misc());
    if (!take("<")) return wrong("no element");
    XmlElement root;
    TRY_OK(element(root, 1));
    TRY_OK(pass_over_misc());
    if (!in_.empty()) return wrong("something behind the end");
    return root;
  }

 private:
  static std::unexpected<Error> wrong(std::string what) {
    return fail(Errc::syntax, "this is no XML that is understood: " + std::move(what));
  }
  bool take(std::string_view what) {
    if (!in_.starts_with(what)) return false;
    in_.remove_prefix(what.size());
    return true;
  }
  void spaces() {
    while (!in_.empty() && text::is_space(in_.front())) in_.remove_prefix(1);
  }
  Result<std::string_view> until(std::string_view end) {
    const auto at = in_.find(end);
    if (at == in_.npos) return wrong("it ends too early");
    const auto out = in_.substr(0, at);
    in_.remove_prefix(at + end.size());
    return out;
  }
  // Comments, processing instructions and spaces.  A "<!" that is neither comment nor CDATA is a document type.
  Result<void> pass_over_misc() {
    for (;;) {
      spaces();
      if (take("<?")) {
        TRY_OK(until("?>"));
      } else if (take("<!--")) {
        TRY_OK(until("-->"));
      } else if (in_.starts_with("<!")) {
        return wrong("a document type");
      } else {
        return {};
      }
    }
  }
  Result<std::string> name() {
    const auto end = std::ranges::find_if(in_, is_name_end);
    std::string out(in_.begin(), end);
    if (out.empty() || out.size() > 256) return wrong("a name");
    in_.remove_prefix(out.size());
    return out;
  }
  Result<void> reference(std::string& out);
  Result<std::string> unescaped(std::string_view raw);
  Result<bool> attributes(XmlElement& e);  // true: the element is empty
  Result<void> element(XmlElement& e, std::size_t depth);
  Result<void> content(XmlElement& e, std::size_t depth);

  std::string_view in_;
  std::size_t elements_ = 0;
};

// Behind "&".
Result<void> Reader::reference(std::string& out) {
  const auto end = in_.substr(0, 12).find(';');
  if (end == in_.npos) return wrong("'&' alone");
  auto what = in_.substr(0, end);
  in_.remove_prefix(end + 1);
  constexpr std::pair<std::string_view, char> kKnown[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"apos", '\''}, {"quot", '"'}};
  for (const auto& [known, c] : kKnown)
    if (what == known) return out += c, Result<void>();
  if (!what.starts_with('#')) return wrong("an unknown entity");
  what.remove_prefix(1);
  const bool hex = what.starts_with('x');
  if (hex) what.remove_prefix(1);
  char32_t value = 0;
  for (const char c : what) {
    const int digit = hex ? text::hex_value(c) : text::is_digit(c) ? c - '0' : -1;
    if (digit < 0 || value > 0x10ffff) return wrong("a character by number");
    value = value * (hex ? 16 : 10) + static_cast<char32_t>(digit);
  }
  if (what.empty() || !is_character(value)) return wrong("a character by number");
  text::append_utf8(out, value);
  return {};
}

Result<std::string> Reader::unescaped(std::string_view raw) {
  Reader inner(raw);
  std::string out;
  while (!inner.in_.empty()) {
    const auto n = std::min(inner.in_.find('&'), inner.in_.size());
    out += inner.in_.substr(0, n);
    inner.in_.remove_prefix(n);
    if (inner.take("&")) TRY_OK(inner.reference(out));
  }
  return out;
}

Result<bool> Reader::attributes(XmlElement& e) {
  for (;;) {
    spaces();
    if (take("/>")) return true;
    if (take(">")) return false;
    if (e.attributes.size() == XmlLimits::kAttributes) return fail(Errc::limit, "an element with too many attributes");
    TRY(auto key, name());
    spaces();
    if (!take("=")) return wrong("an attribute without a value");
    spaces();
    const std::string_view quote = in_.starts_with('"') ? "\"" : "'";
    if (!take(quote)) return wrong("an attribute without quotes");
    TRY(const auto raw, until(quote));
    if (raw.find('<') != raw.npos) return wrong("'<' in an attribute");
    TRY(auto value, unescaped(raw));
    e.attributes.emplace_back(std::move(key), std::move(value));
  }
}

// Behind its "<".
Result<void> Reader::element(XmlElement& e, std::size_t depth) {
  if (depth > XmlLimits::kDepth) return fail(Errc::limit, "elements are nested too deeply");
  if (++elements_ > XmlLimits::kElements) return fail(Errc::limit, "too many elements");
  TRY(e.name, name());
  TRY(const bool empty, attributes(e));
  if (!empty) TRY_OK(content(e, depth));
  e.text = text::trim(e.text);
  return {};
}

Result<void> Reader::content(XmlElement& e, std::size_t depth) {
  for (;;) {
    const auto n = in_.find('<');
    if (n == in_.npos) return wrong("it ends too early");
    TRY(const auto text, unescaped(in_.substr(0, n)));
    e.text += text;
    in_.remove_prefix(n);
    if (take("<!--")) {
      TRY_OK(until("-->"));
    } else if (take("<![CDATA[")) {
      TRY(const auto raw, until("]]>"));
      e.text += raw;
    } else if (take("<?")) {
      TRY_OK(until("?>"));
    } else if (take("</")) {
      TRY(const auto closing, name());
      spaces();
      if (closing != e.name || !take(">")) return wrong("the wrong end of an element");
      return {};
    } else if (in_.starts_with("<!")) {
      return wrong("a declaration");
    } else {
      in_.remove_prefix(1);
      e.children.emplace_back();
      TRY_OK(element(e.children.back(), depth + 1));
    }
  }
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const {
  const auto found = std::ranges::find(children, wanted, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::attribute(std::string_view wanted) const {
  const auto found = std::ranges::find_if(attributes, [&](const auto& a) { return a.first == wanted; });
  return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

Result<XmlElement> parse_xml(std::string_view document) {
  if (document.size() > XmlLimits::kDocument) return fail(Errc::too_large, "the document is longer than 256 KiB");
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  if (!text::is_valid_utf8(document)) return fail(Errc::syntax, "the document is no UTF-8");
  return Reader(document).document();
}

}  // namespace posthorn::check
