#include "copy/outstanding.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/digest.h"
#include "mailfile/file.h"
#include "proto/imap/parser.h"

namespace posthorn::copy {
namespace {

constexpr std::size_t kLongest = 64 << 20;
constexpr std::string_view kFirstLine = "posthorn-copy 2\n";

std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

}  // namespace

Result<Outstanding> Outstanding::open(std::string path, std::string source, WorkerPool& workers) {
  Outstanding out(std::move(path), std::move(source), workers);
  if (out.path_.empty()) return out;
  const auto whole = mailfile::read_whole(out.path_, kLongest);
  if (!whole && whole.error().code != Errc::not_found) return std::unexpected(whole.error());
  std::string_view text = whole ? std::string_view(*whole) : std::string_view();
  if (!text.starts_with(kFirstLine)) return out;  // of another version: nothing is known
  for (text.remove_prefix(kFirstLine.size()); text.contains('\n'); text.remove_prefix(text.find('\n') + 1)) out.take_line(text.substr(0, text.find('\n')));
  return out;
}

// A line that is none tells nothing: its folder is not known.
void Outstanding::take_line(std::string_view line) {
  const std::string key(take_word(line));
  const auto number = take_word(line);
  Folder folder;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), folder.uid_validity);
  if (key.empty() || error != std::errc() || end != number.data() + number.size()) return;
  if (line != "-") {
    const auto uids = imap::parse_sequence_set(line, {.set_items = kLongest});
    if (!uids || uids->has_star() || uids->is_saved_result()) return;
    folder.uids = uids->resolve(0);
  }
  folders_.insert_or_assign(key, std::move(folder));
}

std::string Outstanding::text() const {
  std::string out(kFirstLine);
  for (const auto& [key, folder] : folders_) {
    out += key + ' ' + std::to_string(folder.uid_validity) + ' ';
    if (folder.uids.empty()) out += '-';
    else imap::put_number_set(out, folder.uids);
    out += '\n';
  }
  return out;
}

std::string Outstanding::key_of(const FolderPath& from, const FolderPath& to) const {
  const auto names = source_ + '\0' + to_string(from) + '\0' + to_string(to);
  return crypto::to_hex(crypto::view(crypto::sha256(names))).substr(0, 32);
}

const imap::NumberSet* Outstanding::find(const FolderPath& from, const FolderPath& to, std::uint32_t uid_validity) const {
  const auto found = folders_.find(key_of(from, to));
  return found != folders_.end() && found->second.uid_validity == uid_validity ? &found->second.uids : nullptr;
}

Task<Result<void>> Outstanding::set(FolderPath from, FolderPath to, std::uint32_t uid_validity, imap::NumberSet uids) {
  const auto* known = find(from, to, uid_validity);
  if (known && *known == uids) co_return Result<void>{};
  folders_[key_of(from, to)] = {uid_validity, std::move(uids)};
  if (path_.empty()) co_return Result<void>{};
  co_return co_await workers_.run([this] { return mailfile::replace_file(path_, text()); });
}

}  // namespace posthorn::copy
