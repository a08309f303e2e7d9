#include "sync/local_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "mailfile/flag_letters.h"
#include "mailfile/line_ends.h"
#include "sync/settling.h"
#include "text/ascii.h"

namespace posthorn::sync {
namespace {

using mailfile::MaildirEntry;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kHeader = 256 * 1024;  // of a message, to find its Message-ID
constexpr int kMostListings = 5, kMostRenames = 4;  // where somebody renames all the time

class FileSource final : public client::MessageSource {
 public:
  FileSource(mailfile::File file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  Task<Result<std::string_view>> next() override {
    out_.clear();
    std::array<char, kPiece> piece;
    CO_TRY(const auto n, mailfile::read_some(file_.fd(), piece, path_));
    lines_.put(out_, {piece.data(), n});
    co_return std::string_view(out_);
  }

 private:
  mailfile::File file_;
  std::string path_, out_;
  mailfile::ToCrlf lines_;
};

Result<std::uint64_t> size_with_crlf(const mailfile::File& file, const std::string& path) {
  mailfile::ToCrlf lines;
  std::array<char, kPiece> piece;
  std::uint64_t size = 0;
  for (;;) {
    TRY(const auto n, mailfile::read_some(file.fd(), piece, path));
    if (n == 0) return size;
    size += lines.count({piece.data(), n});
  }
}

// What changes within one tick of a file system's clock may leave one time: kernels count 1 to 10 ms, others seconds.
std::chrono::milliseconds tick_of(const mailfile::MaildirFolder::Changed& at) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return std::chrono::milliseconds(at.cur_ns % kSecond == 0 && at.new_ns % kSecond == 0 ? 2100 : 20);
}
bool is_old(const mailfile::MaildirFolder::Changed& at) {
  return now().time_since_epoch() - std::chrono::nanoseconds(std::max(at.cur_ns, at.new_ns)) > 2 * tick_of(at) + std::chrono::seconds(1);
}

}  // namespace

Result<LocalFolder> LocalFolder::open(mailfile::MaildirFolder folder) {
  TRY(auto keywords, mailfile::MaildirKeywords::read(folder));
  LocalFolder out(std::move(folder), std::move(keywords));
  TRY_OK(out.look_again());
  out.folder_.clean_tmp(now());
  return out;
}

// true: there are some that were not known.
Result<bool> LocalFolder::list() {
  TRY(auto entries, folder_.list());
  entries_.reserve(entries.size());
  view_.reserve(entries.size());
  bool more = false;
  for (auto& entry : entries) {
    if (has(entry.name.unique)) continue;
    more = true;
    add(std::move(entry));
  }
  return more;
}

Result<bool> LocalFolder::look_again() {
  bool more = false;
  for (int listings = 1;; ++listings) {
    TRY(const auto before, folder_.changed());
    TRY(const bool found, list());
    more |= found;
    TRY(const auto after, folder_.changed());
    if (before == after && is_old(before)) doubtful_ = false;
    if (before == after || listings == kMostListings) return more;
  }
}

Result<bool> LocalFolder::look_in_peace() {
  bool more = false;
  for (int tries = 0; doubtful_ && tries < kMostListings; ++tries) {
    TRY(const auto at_first, folder_.changed());
    std::this_thread::sleep_for(tick_of(at_first));
    TRY(const auto before, folder_.changed());
    TRY(const bool found, list());
    more |= found;
    TRY(const auto after, folder_.changed());
    doubtful_ = at_first != before || before != after;
  }
  return more;
}

void LocalFolder::follow(const MaildirEntry& entry) { view_.insert_or_assign(entry.name.unique, entry.name.flags.value_or(MaildirFlags())); }

void LocalFolder::add(MaildirEntry entry) {
  auto unique = entry.name.unique;
  follow(entry);
  entries_.insert_or_assign(std::move(unique), std::move(entry));
}

std::uint64_t LocalFolder::names() const {
  std::uint64_t sum = 0;
  for (const auto& [unique, entry] : entries_) sum += digest_of(entry);
  return sum;
}

std::uint64_t LocalFolder::octets_of(const std::string& unique) {
  const auto at = entries_.find(unique);
  if (at == entries_.end()) return 0;
  const auto facts = folder_.facts(at->second);
  return facts ? facts->size : 0;
}

imap::FlagList LocalFolder::flags_of(MaildirFlags letters) const {
  imap::FlagList out;
  for (const auto& [letter, flag] : mailfile::kFlagLetters)
    if (letters.has(letter)) out.set(flag);
  if (letters.has('P')) out.keywords.emplace_back(mailfile::kPassedOn);
  for (char c = 'a'; c <= 'z'; ++c)
    if (letters.has(c) && !keywords_.name(c).empty()) out.keywords.push_back(keywords_.name(c));
  return out;
}

Result<MaildirFlags> LocalFolder::letters_of(const imap::FlagList& flags) {
  MaildirFlags out;
  for (const auto& [letter, flag] : mailfile::kFlagLetters)
    if (flags.has(flag)) out.add(letter);
  for (const auto& keyword : flags.keywords) {
    if (text::iequals(keyword, mailfile::kPassedOn)) {
      out.add('P');
      continue;
    }
    char letter = keywords_.find(keyword);
    if (letter == '\0') {
      const auto made = keywords_.letter_for(keyword);
      if (!made && made.error().code != Errc::limit && made.error().code != Errc::invalid) return std::unexpected(made.error());
      if (!made) continue;
      letter = *made;
    }
    out.add(letter);
  }
  return out;
}

MaildirFlags LocalFolder::kept_by(const client::SelectedMailbox& mailbox) const {
  MaildirFlags out;
  for (const auto& [letter, flag] : mailfile::kFlagLetters)
    if (mailbox.permanent.has(flag)) out.add(letter);
  const auto keeps = [&mailbox](std::string_view keyword) {
    if (mailbox.any_keyword) return true;
    for (const auto& one : mailbox.permanent.keywords)
      if (text::iequals(one, keyword)) return true;
    return false;
  };
  if (keeps(mailfile::kPassedOn)) out.add('P');
  for (char c = 'a'; c <= 'z'; ++c)
    if (!keywords_.name(c).empty() && keeps(keywords_.name(c))) out.add(c);
  return out;
}

Result<bool> LocalFolder::set_flags(const std::string& unique, MaildirFlags to) {
  const auto at = entries_.find(unique);
  if (at == entries_.end()) return true;
  auto& entry = at->second;
  const auto listed = entry.name.flags.value_or(MaildirFlags());
  for (int tries = 0; tries < kMostRenames; ++tries) {
    const auto has_now = entry.name.flags.value_or(MaildirFlags());
    TRY(const bool done, folder_.set_flags_as(entry, (to | (has_now - listed)) - (listed - has_now)));
    if (done) {
      follow(entry);
      return has_now == listed;
    }
    const auto found = folder_.facts(entry);  // where it is now
    if (!found && found.error().code == Errc::not_found) return true;
    if (!found) return std::unexpected(found.error());
  }
  return fail(Errc::busy, "the message " + unique + " is being renamed all the time");
}

Result<bool> LocalFolder::remove(const std::string& unique) {
  const auto at = entries_.find(unique);
  if (at == entries_.end()) return true;
  const auto listed = at->second.name.flags.value_or(MaildirFlags());
  const auto found = folder_.facts(at->second);
  follow(at->second);
  if (found && at->second.name.flags.value_or(MaildirFlags()) != listed) return false;
  if (!found && found.error().code != Errc::not_found) return std::unexpected(found.error());
  if (found) {
    TRY(const bool gone, folder_.remove_as(at->second));
    if (!gone) return false;
  }
  entries_.erase(at);
  view_.erase(unique);
  return true;
}

Result<client::MessageToAppend> LocalFolder::to_append(const std::string& unique) {
  auto& entry = entries_.at(unique);
  TRY(const auto file, folder_.open_message(entry));
  TRY(const auto facts, folder_.facts(entry));
  follow(entry);
  const auto path = folder_.path_of(entry);
  client::MessageToAppend out;
  TRY(out.size, size_with_crlf(file, path));
  out.flags = flags_of(entry.name.flags.value_or(MaildirFlags()));
  out.internal_date = text::DateTime{.time = std::chrono::floor<std::chrono::seconds>(facts.internal_date), .offset_minutes = 0};
  out.open = [this, unique]() -> std::unique_ptr<client::MessageSource> {
    auto& one = entries_.at(unique);
    auto opened = folder_.open_message(one);
    follow(one);
    if (!opened) return nullptr;
    return std::make_unique<FileSource>(*std::move(opened), folder_.path_of(one));
  };
  return out;
}

Result<Fingerprint> LocalFolder::fingerprint(const std::string& unique) {
  auto& entry = entries_.at(unique);
  TRY(const auto file, folder_.open_message(entry));
  TRY(const auto facts, folder_.facts(entry));
  follow(entry);
  const auto path = folder_.path_of(entry);
  std::string header;
  mailfile::ToCrlf lines;
  std::array<char, kPiece> piece;
  Fingerprint out;
  for (;;) {
    TRY(const auto n, mailfile::read_some(file.fd(), piece, path));
    if (n == 0) break;
    const std::string_view bytes(piece.data(), n);
    out.size += lines.count(bytes);
    header += bytes.substr(0, kHeader - std::min(kHeader, header.size()));
  }
  read_header(out, header);
  out.time = std::chrono::floor<std::chrono::seconds>(facts.internal_date).time_since_epoch().count();
  return out;
}

}  // namespace posthorn::sync
