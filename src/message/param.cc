#include "message/param.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "message/encoded_word.h"
#include "message/header.h"
#include "message/lexer.h"
#include "text/charset.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxParams = 500;  // of one field; hostile mail has more
constexpr unsigned kMaxSegments = 10'000;

// A token, more liberal than [RFC2045 5.1]: real mail has unquoted boundaries with "=" and "/" in them.
std::string take_value(Lexer& in, std::string_view name) {
  if (in.peek() == '"') return in.take_quoted();
  // A parenthesis without white space before it is no comment, as in  filename=report(1).pdf .
  std::string value(in.take_until(";\""));
  // Departure: an unquoted file name with spaces in it, as in  filename=My file.doc , is one value unless "name=" follows.
  if (!name.starts_with("name") && !name.starts_with("filename")) return value;
  for (;;) {
    Lexer ahead = in;
    ahead.skip_cfws();
    const std::string_view word = ahead.take_until(";(\"");
    if (word.empty() || word.find('=') != word.npos) return value;
    value.append(" ").append(word);
    in = ahead;
  }
}

// Every  name=value  as it stands.  Missing semicolons and junk between are passed over.
Params take_raw(Lexer& in) {
  Params out;
  while (out.size() < kMaxParams) {
    in.skip_cfws();
    if (in.at_end()) break;
    if (in.take(';')) continue;
    std::string name = text::to_lower(in.take_until(";=(\""));
    in.skip_cfws();
    if (!in.take('=')) {
      if (name.empty() && in.peek() == '"') {
        in.take_quoted();
      } else if (name.empty()) {
        in.skip_one();
      }
      continue;
    }
    in.skip_cfws();
    std::string value = take_value(in, name);
    if (!name.empty()) out.push_back({std::move(name), std::move(value)});
  }
  return out;
}

// [RFC2231 3, 4]  base ["*" number] ["*"]
struct Segment {
  bool extended = false;
  std::string value;
};
using Segments = std::map<unsigned, Segment>;
struct SplitName {
  std::string base;
  std::optional<unsigned> number;
  bool extended = false;
};

SplitName split(std::string_view name) {
  SplitName s;
  if (name.ends_with('*')) {
    s.extended = true;
    name.remove_suffix(1);
  }
  s.base = name;
  const std::size_t star = name.rfind('*');
  if (star == name.npos) return s;
  unsigned number = 0;
  const std::string_view digits = name.substr(star + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
      number >= kMaxSegments)
    return s;
  s.base = name.substr(0, star);
  s.number = number;
  return s;
}

void put_percent_encoded(std::string& out, std::string_view s) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (text::is_alpha(c) || text::is_digit(c) || c == '.' || c == '-' || c == '_') {
      out += c;
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

// The segments 0, 1, 2 ... up to the first gap as one parameter, which is encoded when one of them is.
Param join(const std::string& base, const Segments& segments) {
  const bool extended = std::ranges::any_of(segments, [](const auto& s) { return s.second.extended; });
  Param joined{extended ? base + '*' : base, {}};
  // [RFC2231 4.1] Charset and language stand in the first segment; when that is not encoded there are none.
  if (extended && !segments.begin()->second.extended) joined.value = "''";
  unsigned next = 0;
  for (const auto& [number, segment] : segments) {
    if (number != next++) break;
    if (extended && !segment.extended) {
      put_percent_encoded(joined.value, segment.value);
    } else {
      joined.value += segment.value;
    }
  }
  return joined;
}

Params take_params(Lexer& in) {
  Params raw = take_raw(in);
  std::map<std::string, Segments> segments;
  for (const Param& p : raw)
    if (SplitName name = split(p.name); name.number)
      segments[name.base].try_emplace(*name.number, name.extended, p.value);  // said twice: the first counts
  if (segments.empty()) return raw;
  Params out;
  for (Param& p : raw) {
    const SplitName name = split(p.name);
    const auto it = name.number ? segments.find(name.base) : segments.end();
    if (!name.number) {
      out.push_back(std::move(p));
    } else {
      if (it->second.empty()) continue;  // joined already
      if (it->second.contains(0)) {
        out.push_back(join(name.base, it->second));
        it->second.clear();
      } else {
        out.push_back(std::move(p));  // no beginning: as they stand
      }
    }
  }
  return out;
}

std::string percent_decode(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '%' && i + 2 < in.size() && text::hex_value(in[i + 1]) >= 0 &&
        text::hex_value(in[i + 2]) >= 0) {
      out += static_cast<char>(text::hex_value(in[i + 1]) * 16 + text::hex_value(in[i + 2]));
      i += 2;
    } else {
      out += in[i];
    }
  }
  return out;
}

// [RFC2231 4] charset'language'text
std::string decode_extended(std::string_view value) {
  const std::size_t first = value.find('\''), second = first == value.npos ? first : value.find('\'', first + 1);
  if (second == value.npos) return text::to_utf8("", percent_decode(value));
  return text::to_utf8(value.substr(0, first), percent_decode(value.substr(second + 1)));
}

constexpr std::string_view kTokenEnd = ";,/=()<>@:\\\"[]?";

}  // namespace

const std::string* find_param(const Params& params, std::string_view name) {
  for (const Param& p : params)
    if (text::iequals(p.name, name)) return &p.value;
  return nullptr;
}

std::optional<std::string> find_param_utf8(const Params& params, std::string_view name) {
  if (const std::string* extended = find_param(params, std::string(name) + '*')) return decode_extended(*extended);
  if (const std::string* plain = find_param(params, name)) return decode_encoded_words(*plain);
  return std::nullopt;
}

std::string extended_params_text(std::string_view field) {
  const std::size_t semicolon = field.find(';');
  if (!text::istarts_with(field, "Content-") || semicolon == field.npos || field.find('*') == field.npos) return {};
  const std::string unfolded = unfold(field.substr(semicolon));
  Lexer in(unfolded);
  std::string out;
  for (const Param& param : take_params(in)) {
    if (!out.empty()) out += ' ';
    out += param.name.ends_with('*') ? decode_extended(param.value) : decode_encoded_words(param.value);
  }
  return out;
}

std::optional<ContentType> parse_content_type(std::string_view value) {
  const std::string unfolded = unfold(value);
  Lexer in(unfolded);
  ContentType out;
  in.skip_cfws();
  out.type = text::to_lower(in.take_until(kTokenEnd));
  in.skip_cfws();
  if (out.type.empty() || !in.take('/')) return std::nullopt;
  in.skip_cfws();
  out.subtype = text::to_lower(in.take_until(kTokenEnd));
  if (out.subtype.empty()) return std::nullopt;
  out.params = take_params(in);
  return out;
}

std::optional<Disposition> parse_disposition(std::string_view value) {
  const std::string unfolded = unfold(value);
  Lexer in(unfolded);
  Disposition out;
  in.skip_cfws();
  out.type = text::to_lower(in.peek() == '"' ? in.take_quoted() : std::string(in.take_until(kTokenEnd)));
  in.skip_cfws();
  const bool has_type = !out.type.empty() && in.peek() != '=';
  if (!has_type) in = Lexer(unfolded);
  out.params = take_params(in);
  if (has_type) return out;
  // Parameters alone, as in  filename=x.txt : the name is worth more than the missing word [RFC2183 2.8].
  if (out.params.empty()) return std::nullopt;
  out.type = "attachment";
  return out;
}

std::string parse_token(std::string_view value) {
  const std::string unfolded = unfold(value);
  Lexer in(unfolded);
  in.skip_cfws();
  if (in.peek() == '"') return text::to_lower(in.take_quoted());
  std::string token = text::to_lower(in.take_until(kTokenEnd));
  in.skip_cfws();
  if ((token == "7" || token == "8") && text::iequals(in.take_until(kTokenEnd), "bit")) token += "bit";  // old gateways: "7 bit"
  return token;
}

std::vector<std::string> parse_language_list(std::string_view value) {
  const std::string unfolded = unfold(value);
  Lexer in(unfolded);
  std::vector<std::string> out;
  while (out.size() < kMaxParams) {
    in.skip_cfws();
    if (in.at_end()) break;
    const std::string_view tag = in.take_until(kTokenEnd);
    if (tag.empty()) {
      in.skip_one();
    } else {
      out.emplace_back(tag);
    }
  }
  return out;
}

}  // namespace posthorn::message
