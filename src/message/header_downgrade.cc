#include "message/header_downgrade.h"

#include <algorithm>

#include "message/field_to_ascii.h"
#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kFoldAt = 78;  // [RFC5322 2.1.1]

// Lines end with CRLF, other controls that no line may have become blanks.
std::string with_clean_lines(std::string_view s) {
  std::string out;
  out.reserve(s.size() + 16);
  for (std::size_t i = 0; i < s.size(); ++i) {
    const bool pair = s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n';
    if (pair) ++i;
    if (s[i] == '\n') {
      out += "\r\n";
    } else {
      out += s[i] == '\r' || s[i] == '\0' ? ' ' : s[i];
    }
  }
  return out;
}

// Where a line may be folded: white space between two visible bytes, of the first line of a field behind its colon.
// npos: nowhere from `from` on.
std::size_t fold_point(std::string_view line, std::size_t from) {
  const std::size_t visible = line.find_first_not_of(" \t", from);
  if (visible == line.npos) return line.npos;
  const std::size_t at = line.find_first_of(" \t", visible);
  return at == line.npos || line.find_first_not_of(" \t", at) == line.npos ? line.npos : at;
}

// Where folding may begin: 0 in a continuation line; npos for what is no field.
std::size_t start_of_value(std::string_view line) {
  if (text::is_wsp(line.front())) return 0;
  const std::size_t colon = line.find(':');
  return colon == line.npos ? line.npos : colon + 1;
}

void put_folded(std::string_view line, std::string& out) {
  std::size_t from = start_of_value(line);
  while (from != line.npos && line.size() > kFoldAt) {
    std::size_t at = fold_point(line, from);
    for (std::size_t next = at; next != line.npos && next <= kFoldAt; next = fold_point(line, next)) at = next;
    if (at == line.npos) break;
    out.append(line.substr(0, at)).append("\r\n");
    line.remove_prefix(at);
    from = 0;
  }
  out.append(line).append("\r\n");
}

// `fields` has whole lines.
std::string folded(std::string_view fields, std::size_t limit) {
  std::string out;
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find("\r\n"), fields.size());
    const auto line = fields.substr(0, end);
    if (line.size() > limit) {
      put_folded(line, out);
    } else {
      out.append(line).append("\r\n");
    }
    fields.remove_prefix(std::min(end + 2, fields.size()));
  }
  return out;
}

}  // namespace

std::string rewrite_header(std::string_view header, const HeaderChange& change) {
  std::string out;
  std::size_t end = 0;
  bool has_label = false, has_version = false;
  const auto put_label = [&] {
    if (!has_label) out.append("Content-Transfer-Encoding: ").append(change.label).append("\r\n");
    has_label = true;
  };
  for (const auto& field : HeaderView(header)) {
    end = field.offset + field.whole.size();
    has_version |= text::iequals(field.name, "MIME-Version");
    if (!change.label.empty() && text::iequals(field.name, "Content-Transfer-Encoding")) {
      put_label();
      continue;
    }
    std::string whole = with_clean_lines(field.whole);
    if (!whole.ends_with("\r\n")) whole += "\r\n";
    if (change.to_ascii && !text::is_ascii(whole)) {
      const auto colon = whole.find(':') + 1;
      const std::string_view value = std::string_view(whole).substr(colon, whole.size() - 2 - colon);
      if (field.name.empty()) {
        std::ranges::replace_if(whole, [](char c) { return !text::is_ascii(c); }, '?');
      } else {
        whole = whole.substr(0, colon) + field_to_ascii(field.name, value).value + "\r\n";
      }
    }
    if (change.line != 0) whole = folded(whole, change.line);
    out += whole;
  }
  if (!change.label.empty()) {
    put_label();
    if (change.is_of_message && !has_version) out += "MIME-Version: 1.0\r\n";
  }
  out += with_clean_lines(header.substr(end));
  if (!header.ends_with('\n') && out.ends_with("\r\n")) out.resize(out.size() - 2);  // that of a delimiter follows
  return out;
}

bool can_be_ascii(std::string_view header) {
  for (const auto& field : HeaderView(header))
    if (!field.name.empty() && !text::is_ascii(field.value) && !field_to_ascii(field.name, field.value).is_usable) return false;
  return true;
}

std::uint64_t longest_foldable_line(std::string_view header) {
  std::uint64_t longest = 0;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find('\n'), header.size());
    auto line = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() <= std::max<std::uint64_t>(longest, kFoldAt)) continue;
    const std::size_t from = start_of_value(line);
    if (from != line.npos && fold_point(line, from) != line.npos) longest = line.size();
  }
  return longest;
}

}  // namespace posthorn::message
