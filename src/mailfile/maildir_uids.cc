#include "mailfile/maildir_uids.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kLongest = 512 << 20;

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

std::string_view next_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line.remove_prefix(end == line.npos ? line.size() : end + 1);
  return word;
}

std::optional<std::uint32_t> number(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return {};
  return value;
}

void note(MaildirUids& out, std::string_view file_name, std::uint32_t uid) {
  const auto unique = file_name.substr(0, file_name.find_first_of(",:"));
  if (unique.empty()) return;
  out.uids.insert_or_assign(std::string(unique), uid);
  if (uid < 0xFFFFFFFF) out.uid_next = std::max(out.uid_next, uid + 1);
}

std::unexpected<Error> not_understood() {
  return fail(Errc::corrupt, "the list of UIDs cannot be understood");
}

}  // namespace

// "3 V1700000000 N12 G..." and then "7 W1234 :1700000000.M1P2.host,S=1200:2,S".
Result<MaildirUids> parse_dovecot_uids(std::string_view text) {
  MaildirUids out;
  auto head = next_line(text);
  if (next_word(head) != "3") return not_understood();
  while (!head.empty()) {
    const auto word = next_word(head);
    if (word.starts_with('V')) out.uid_validity = number(word.substr(1)).value_or(0);
    if (word.starts_with('N')) out.uid_next = number(word.substr(1)).value_or(0);
  }
  if (out.uid_validity == 0) return not_understood();
  while (!text.empty()) {
    auto line = next_line(text);
    const auto uid = number(next_word(line));
    const auto name = line.starts_with(':') ? 0 : line.find(" :");
    if (!uid || name == line.npos) continue;  // a line that was being written
    note(out, line.substr(name + (name == 0 ? 1 : 2)), *uid);
  }
  return out;
}

// "1 1700000000 12" and then "7 1700000000.M1P2.host,S=1200".
Result<MaildirUids> parse_courier_uids(std::string_view text) {
  MaildirUids out;
  auto head = next_line(text);
  if (next_word(head) != "1") return not_understood();
  out.uid_validity = number(next_word(head)).value_or(0);
  out.uid_next = number(next_word(head)).value_or(0);
  if (out.uid_validity == 0) return not_understood();
  while (!text.empty()) {
    auto line = next_line(text);
    if (const auto uid = number(next_word(line))) note(out, line, *uid);
  }
  return out;
}

Result<MaildirUids> MaildirUids::read(const MaildirFolder& folder) {
  constexpr std::pair<const char*, Result<MaildirUids> (*)(std::string_view)> kFiles[] = {
      {"/dovecot-uidlist", parse_dovecot_uids}, {"/courierimapuiddb", parse_courier_uids}};
  for (const auto& [name, parse] : kFiles) {
    const auto text = read_whole(folder.path() + name, kLongest);
    if (!text && text.error().code == Errc::not_found) continue;
    if (!text) return std::unexpected(text.error());
    auto uids = parse(*text);
    if (!uids) return fail(uids.error().code, uids.error().text + ": " + folder.path() + name);
    return uids;
  }
  return MaildirUids{};
}

Result<void> MaildirUids::write(const MaildirFolder& folder) const {
  std::vector<std::pair<std::uint32_t, std::string_view>> sorted;
  sorted.reserve(uids.size());
  for (const auto& [unique, uid] : uids) sorted.emplace_back(uid, unique);
  std::ranges::sort(sorted);
  std::string text = "3 V" + std::to_string(uid_validity) + " N" + std::to_string(uid_next) + "\n";
  for (const auto& [uid, unique] : sorted) {
    text += std::to_string(uid) + " :";
    text += unique;
    text += '\n';
  }
  return replace_file(folder.path() + "/dovecot-uidlist", text);
}

}  // namespace posthorn::mailfile
