#include "mailfile/maildir_keywords.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::size_t kMaxKeyword = 255;

bool is_keyword(std::string_view s) {
  return !s.empty() && s.size() <= kMaxKeyword &&
         std::ranges::none_of(s, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

}  // namespace

Result<MaildirKeywords> MaildirKeywords::read(const MaildirFolder& folder) {
  MaildirKeywords out(folder.path() + "/dovecot-keywords");
  TRY_OK(out.read_names());
  return out;
}

Result<void> MaildirKeywords::read_names() {
  auto text = read_whole(file_, kMaxFile);
  if (!text && text.error().code == Errc::not_found) return {};
  if (!text) return std::unexpected(std::move(text).error());
  for (std::string_view rest = *text; !rest.empty();) {
    const auto lf = rest.find('\n');
    const auto line = rest.substr(0, lf);
    rest.remove_prefix(lf == rest.npos ? rest.size() : lf + 1);
    const auto space = line.find(' ');
    if (space == line.npos || space == 0 || space > 2) continue;
    std::size_t number = 0;
    for (const char c : line.substr(0, space))
      number = text::is_digit(c) ? number * 10 + static_cast<std::size_t>(c - '0') : 1000;
    const auto keyword = line.substr(space + 1);
    if (number < names_.size() && is_keyword(keyword)) names_[number] = keyword;
  }
  return {};
}

const std::string& MaildirKeywords::name(char letter) const {
  static const std::string none;
  return letter >= 'a' && letter <= 'z' ? names_[static_cast<std::size_t>(letter - 'a')] : none;
}

char MaildirKeywords::find(std::string_view keyword) const {
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (!names_[i].empty() && text::iequals(names_[i], keyword)) return static_cast<char>('a' + i);
  return '\0';
}

Result<char> MaildirKeywords::letter_for(std::string_view keyword) {
  if (const char letter = find(keyword)) return letter;
  if (!is_keyword(keyword)) return fail(Errc::invalid, "this is no keyword");
  auto free = std::ranges::find(names_, std::string());
  if (free != names_.end()) TRY_OK(read_names());  // others may have named letters since
  if (const char letter = find(keyword)) return letter;
  free = std::ranges::find(names_, std::string());
  if (free == names_.end()) return fail(Errc::limit, "a Maildir folder has no more than 26 keywords");
  *free = keyword;
  std::string text;
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (!names_[i].empty()) text += std::to_string(i) + " " + names_[i] + "\n";
  if (auto written = replace_file(file_, text); !written) {
    free->clear();
    return std::unexpected(std::move(written).error());
  }
  return static_cast<char>('a' + (free - names_.begin()));
}

}  // namespace posthorn::mailfile
