#include "message/compose.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kLine = 78;  // [RFC5322 2.1.1] without the CRLF

// [RFC5322 3.2.3] atext, and UTF-8 [RFC6532 3.2]
bool is_atext(char c) {
  return text::is_alpha(c) || text::is_digit(c) || !text::is_ascii(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }

}  // namespace

void put_header_field(std::string& out, std::string_view name, std::string_view value) {
  std::string line(name);
  line += ':';
  bool has_text = false;  // a line of white space only would be obsolete syntax [RFC5322 4.2]
  std::size_t i = 0;
  while (i < value.size()) {
    bool fold_here = false;
    for (; i < value.size() && (is_control(value[i]) || value[i] == ' '); ++i) fold_here |= value[i] == '\n';
    std::size_t end = i;
    while (end < value.size() && !is_control(value[end]) && value[end] != ' ') ++end;
    if (end == i) break;
    if (has_text && (fold_here || line.size() + 1 + (end - i) > kLine)) {
      out.append(line).append("\r\n");
      line.clear();
    }
    line += line.empty() ? '\t' : ' ';
    line += value.substr(i, end - i);
    has_text = true;
    i = end;
  }
  out.append(line).append("\r\n");
}

std::string quote_if_needed(std::string_view s) {
  bool atoms = !s.empty() && s.front() != '.' && s.back() != '.' && s.find("..") == s.npos;
  if (atoms && std::ranges::all_of(s, [](char c) { return is_atext(c) || c == '.'; })) return std::string(s);
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_control(c) ? ' ' : c;
  }
  return out + '"';
}

}  // namespace posthorn::message
