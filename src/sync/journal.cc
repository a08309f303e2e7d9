#include "sync/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/lines.h"

namespace posthorn::sync {
namespace {

constexpr std::size_t kLongest = 1 << 30;
constexpr std::size_t kUsualLine = 64;
constexpr std::string_view kFormat = "posthorn-sync";

std::string letters(MaildirFlags flags) {
  auto out = flags.letters();
  return out.empty() ? "-" : out;
}

MaildirFlags flags_of(std::string_view field) { return MaildirFlags(field); }

std::string text(std::uint64_t n) { return std::to_string(n); }

}  // namespace

Result<Journal> Journal::open(const std::string& folder, std::string account) {
  Journal out(folder + "/" + std::string(kName), std::move(account));
  TRY_OK(out.read());
  return out;
}

Result<void> Journal::read() {
  auto content = mailfile::read_whole(path_, kLongest);
  if (!content && content.error().code == Errc::not_found) return {};
  if (!content) return std::unexpected(content.error());
  std::string_view rest = *content;
  const auto first = take_line(rest);
  if (!first || first->size() != 3 || first->front() != kFormat) return {};  // damaged: what is known is matched anew
  if ((*first)[1] != "1") return fail(Errc::unsupported, path_ + " was written by a later version");
  if (unescaped((*first)[2]) != account_)
    return fail(Errc::denied, path_ + " belongs to " + unescaped((*first)[2]) + ": a tree is for one account (remove the .posthorn-sync files to begin anew)");
  const auto likely = rest.size() / kUsualLine;
  state_.messages.reserve(likely);
  state_.by_unique.reserve(likely);
  bool known = true;
  while (known && !rest.empty()) {
    const auto fields = take_line(rest);
    if (!fields) break;
    known = take(*fields);
    ++lines_;
  }
  // A crash leaves a last line that is not whole.  Where others stand behind it the file is damaged, and part of what was known would make
  // the rest of both sides new.
  if (!known || rest.find('\n') != rest.npos) {
    state_ = {};
    return {};
  }
  if (state_.mailbox.empty()) return {};
  TRY_OK(reopen());
  // What a crash has left of the last line.
  if (!rest.empty() && ::ftruncate(file_.fd(), static_cast<off_t>(content->size() - rest.size())) != 0) return mailfile::errno_failure("shorten", path_);
  return {};
}

bool Journal::take(const Fields& f) {
  const auto is = [&f](std::string_view kind, std::size_t fields) { return f.front() == kind && f.size() == fields; };
  const auto uid = f.size() > 1 ? number<std::uint32_t>(f[1]) : std::nullopt;
  if (is("mailbox", 3)) {
    state_.mailbox = unescaped(f[1]);
    state_.uid_validity = number<std::uint32_t>(f[2]).value_or(0);
    return state_.uid_validity != 0;
  }
  if (is("m", 4) && uid) return set(*uid, {flags_of(f[2]), unescaped(f[3])}), true;
  if (is("d", 2) && uid) return erase(*uid), true;
  if (is("p", 4) && uid) return state_.downloads.insert_or_assign(*uid, KnownMessage{flags_of(f[2]), unescaped(f[3])}), true;
  if (is("u", 2)) return state_.uploads.insert(unescaped(f[1])), true;
  if (is("a", 2)) return state_.taken.insert(unescaped(f[1])), true;
  if (is("x", 2)) return erase_upload(unescaped(f[1])), true;
  if (!is("s", 2)) return false;
  state_.mod_seq = number<std::uint64_t>(f[1]).value_or(0);
  return true;
}

void Journal::set(std::uint32_t uid, KnownMessage known) {
  erase(uid);
  if (const auto other = state_.by_unique.find(known.unique); other != state_.by_unique.end()) erase(other->second);
  erase_upload(known.unique);
  state_.by_unique[known.unique] = uid;
  state_.messages.emplace(uid, std::move(known));
}

void Journal::erase(std::uint32_t uid) {
  state_.downloads.erase(uid);
  const auto at = state_.messages.find(uid);
  if (at == state_.messages.end()) return;
  state_.by_unique.erase(at->second.unique);
  state_.messages.erase(at);
}

void Journal::erase_upload(const std::string& unique) {
  state_.uploads.erase(unique);
  state_.taken.erase(unique);
}

Result<void> Journal::begin(std::string mailbox, std::uint32_t uid_validity) {
  state_ = {};
  state_.mailbox = std::move(mailbox);
  state_.uid_validity = uid_validity;
  return replace();
}

Result<void> Journal::rename(std::string mailbox) {
  state_.mailbox = std::move(mailbox);
  return replace();
}

Result<void> Journal::replace() {
  std::string out;
  put_line(out, {std::string(kFormat), "1", escaped(account_)});
  put_line(out, {"mailbox", escaped(state_.mailbox), text(state_.uid_validity)});
  for (const auto& [uid, m] : state_.messages) put_line(out, {"m", text(uid), letters(m.flags), escaped(m.unique)});
  for (const auto& [uid, m] : state_.downloads) put_line(out, {"p", text(uid), letters(m.flags), escaped(m.unique)});
  for (const auto& unique : state_.uploads) put_line(out, {"u", escaped(unique)});
  for (const auto& unique : state_.taken) put_line(out, {"a", escaped(unique)});
  if (state_.mod_seq != 0) put_line(out, {"s", text(state_.mod_seq)});
  TRY_OK(mailfile::replace_file(path_, out));
  pending_.clear();
  lines_ = state_.messages.size() + 2;
  return reopen();
}

Result<void> Journal::reopen() {
  TRY(file_, mailfile::open_file(path_, O_WRONLY | O_APPEND));
  return {};
}

void Journal::put_message(std::uint32_t uid, MaildirFlags flags, std::string unique) {
  put_line(pending_, {"m", text(uid), letters(flags), escaped(unique)});
  set(uid, {flags, std::move(unique)});
}
void Journal::put_gone(std::uint32_t uid) {
  put_line(pending_, {"d", text(uid)});
  erase(uid);
}
void Journal::put_download(std::uint32_t uid, MaildirFlags flags, std::string unique) {
  put_line(pending_, {"p", text(uid), letters(flags), escaped(unique)});
  state_.downloads.insert_or_assign(uid, KnownMessage{flags, std::move(unique)});
}
void Journal::put_upload(std::string unique) {
  put_line(pending_, {"u", escaped(unique)});
  state_.uploads.insert(std::move(unique));
}
void Journal::put_taken(std::string unique) {
  put_line(pending_, {"a", escaped(unique)});
  state_.taken.insert(std::move(unique));
}
void Journal::put_no_upload(std::string unique) {
  put_line(pending_, {"x", escaped(unique)});
  erase_upload(unique);
}
void Journal::put_seal(std::uint64_t mod_seq) {
  if (mod_seq == state_.mod_seq) return;
  put_line(pending_, {"s", text(mod_seq)});
  state_.mod_seq = mod_seq;
}

Result<void> Journal::write() {
  if (pending_.empty()) return {};
  if (!file_.is_open()) return fail(Errc::io, path_ + " could not be written");
  const auto end = ::lseek(file_.fd(), 0, SEEK_END);
  auto written = mailfile::write_all(file_.fd(), pending_, path_);
  if (!written) {
    if (end < 0 || ::ftruncate(file_.fd(), end) != 0) file_.close();
    return written;
  }
  for (const char c : pending_) lines_ += c == '\n';
  pending_.clear();
  return {};
}

Result<void> Journal::sync() {
  TRY_OK(write());
  return mailfile::sync_file(file_.fd(), path_);
}

Result<void> Journal::tidy() {
  if (lines_ < 2 * state_.messages.size() + 1000) return write();
  return replace();
}

}  // namespace posthorn::sync
