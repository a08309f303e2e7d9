// Escapes, and lines that match.
#include "crypto/digest.h"
#include "server/common/transcript_testing.h"
#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::server {
namespace {

// \S+ of an escape at `at` (behind the backslash): appends what it means, returns how much it took; 0: no escape.
std::size_t put_escape(std::string& out, std::string_view rest) {
  if (rest.empty()) return 0;
  switch (rest.front()) {
    case 'r': out += '\r'; return 1;
    case 'n': out += '\n'; return 1;
    case 't': out += '\t'; return 1;
    case '0': out += '\0'; return 1;
    case '\\': out += '\\'; return 1;
    case 'x':
      if (rest.size() >= 3 && text::hex_value(rest[1]) >= 0 && text::hex_value(rest[2]) >= 0) {
        out += static_cast<char>(text::hex_value(rest[1]) * 16 + text::hex_value(rest[2]));
        return 3;
      }
      return 0;
    default: return 0;
  }
}

}  // namespace

std::string unescape(std::string_view text, bool* no_line_end) {
  if (text.ends_with("\\c") && !text.ends_with("\\\\c")) {
    text.remove_suffix(2);
    if (no_line_end) *no_line_end = true;
  }
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\') {
      if (const auto n = put_escape(out, text.substr(i + 1))) {
        i += 1 + n;
        continue;
      }
    } else if (text.substr(i).starts_with("${base64:") || text.substr(i).starts_with("${md5:")) {
      const auto end = text.find('}', i), colon = text.find(':', i);
      if (end != text.npos) {
        const auto inside = unescape(text.substr(colon + 1, end - colon - 1));
        out += text[i + 2] == 'b' ? text::base64_encode(inside) : crypto::to_hex(crypto::view(crypto::md5(inside)));
        i = end + 1;
        continue;
      }
    }
    out += text[i++];
  }
  return out;
}

bool matches_pattern(std::string_view line, std::string_view pattern) {
  // The pattern as bytes with a mark for each wildcard.
  std::string want;
  std::vector<bool> any;
  if (pattern.starts_with("* ")) {
    want = "*";
    any = {false};
    pattern.remove_prefix(1);
  }
  while (!pattern.empty()) {
    auto end = pattern.find('*');
    const bool literal = end != pattern.npos && end != 0 && pattern[end - 1] == '\\';
    want += unescape(pattern.substr(0, end));  // a backslash at its end stays
    any.resize(want.size(), false);
    if (end == pattern.npos) break;
    want += '*';
    any.push_back(!literal);
    pattern.remove_prefix(end + 1);
  }
  // Greedy from the left, going back to the last wildcard on a mismatch.
  std::size_t i = 0, p = 0, star = std::string::npos, star_i = 0;
  while (i < line.size()) {
    if (p < want.size() && any[p]) {
      star = p++;
      star_i = i;
    } else if (p < want.size() && want[p] == line[i]) {
      ++p;
      ++i;
    } else if (star != std::string::npos) {
      p = star + 1;
      i = ++star_i;
    } else {
      return false;
    }
  }
  while (p < want.size() && any[p]) ++p;
  return p == want.size();
}

}  // namespace posthorn::server
