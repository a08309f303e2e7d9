#include "fetch/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>

#include "base/clock.h"
#include "crypto/digest.h"

namespace posthorn::fetch {
namespace {

constexpr std::string_view kMagic = "posthorn-fetch 2\n", kMagic1 = "posthorn-fetch 1\n";
constexpr std::size_t kMaxFile = 1 << 30;
constexpr std::size_t kMaxKey = 300;
constexpr std::size_t kSlack = 1000;  // lines of no use that are not worth writing the file anew

bool is_word(std::string_view s) {
  return !s.empty() &&
         std::ranges::none_of(s, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

std::string checked(const std::string& content) {
  char digits[9];
  const auto crc = crypto::crc32c(content);
  for (int i = 0; i < 8; ++i) digits[i] = "0123456789abcdef"[(crc >> (28 - 4 * i)) & 15];
  return std::string(digits, 8) + " " + content + "\n";
}

std::string text_of(Seconds when) { return std::to_string(when.time_since_epoch().count()); }

std::string key_line(char kind, std::string_view key, Seconds when) {
  return checked(kind + (" " + text_of(when)) + " " + std::string(key));
}

std::string fingerprint_line(const Fingerprinted& one, Seconds when) {
  return checked("M " + text_of(when) + " " + one.fingerprint + " " + one.key);
}

// All that is known of a key.
std::string lines_of(const std::string& key, const Kept& kept) {
  auto out = key_line('S', key, kept.since);
  if (!kept.fingerprint.empty())
    out += fingerprint_line({.key = key, .fingerprint = kept.fingerprint}, kept.since);
  if (kept.doubted) out += key_line('R', key, *kept.doubted);
  if (kept.unseen) out += key_line('U', key, *kept.unseen);
  return out;
}
std::size_t count_lines(const Kept& kept) {
  return 1 + !kept.fingerprint.empty() + kept.doubted.has_value() + kept.unseen.has_value();
}

std::string_view take_word(std::string_view& in) {
  const auto end = std::min(in.find(' '), in.size());
  const auto word = in.substr(0, end);
  in.remove_prefix(std::min(in.size(), end + 1));
  return word;
}

std::optional<Seconds> take_time(std::string_view& in) {
  const auto word = take_word(in);
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || stop != word.data() + word.size()) return {};
  return Seconds(std::chrono::seconds(value));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Seconds this_second() { return std::chrono::floor<std::chrono::seconds>(now()); }

Result<Journal> Journal::open(std::string path, std::string owner, IfOfAnother if_of_another) {
  Journal out(std::move(path));
  TRY_OK(mailfile::make_directories(parent_of(out.path_)));
  TRY_OK(out.lock());
  TRY(out.file_, mailfile::open_file(out.path_, O_RDWR | O_CREAT | O_APPEND));
  TRY_OK(out.read());
  TRY_OK(out.own(std::move(owner), if_of_another));
  return out;
}

// Unique-ids are unique in one maildrop only: what is known by them of one account would be taken for known,
// and removed, in another.
Result<void> Journal::own(std::string owner, IfOfAnother if_of_another) {
  if (owner.empty() || owner == owner_) return {};
  CHECK(is_word(owner));
  if (!owner_.empty() && if_of_another == IfOfAnother::fail)
    return fail(
        Errc::corrupt,
        path_ + " belongs to " + owner_ + ", not to " + owner +
            ": give each account and each target a state file of its own, or say --adopt-state if they are the same");
  owner_ = std::move(owner);
  ++lines_;
  return append(key_line('A', owner_, this_second()));
}

// Beside the file, which is renamed over.
Result<void> Journal::lock() {
  TRY(lock_, mailfile::open_file(path_ + ".lock", O_RDWR | O_CREAT));
  if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return fail(Errc::busy, "another process is fetching with " + path_);
  return mailfile::errno_failure("lock", path_ + ".lock");
}

Result<void> Journal::read() {
  TRY(const auto text, mailfile::read_whole(path_, kMaxFile));
  if (text.empty()) {
    TRY_OK(append(std::string(kMagic)));
    TRY_OK(sync());
    return mailfile::sync_directory(parent_of(path_));
  }
  is_version_1_ = text.starts_with(kMagic1);
  if (!text.starts_with(kMagic) && !is_version_1_ && !kMagic.starts_with(text))
    return fail(Errc::corrupt, path_ + " is no file of posthorn fetch");
  if (text.size() < kMagic.size()) {
    if (::ftruncate(file_.fd(), 0) != 0) return mailfile::errno_failure("cut", path_);
    TRY_OK(append(std::string(kMagic)));
    return sync();
  }
  Open open;
  std::size_t good = kMagic.size();
  for (auto lf = text.find('\n', good); lf != text.npos; lf = text.find('\n', good)) {
    if (!take_line(std::string_view(text).substr(good, lf - good), open)) break;
    good = lf + 1;
    ++lines_;
  }
  for (auto& [key, all] : open) pending_.insert(pending_.end(), all.begin(), all.end());
  length_ = good;
  if (good == text.size()) return {};
  // A last line without its end is what a crash leaves; more than that is kept for who wants to look.
  damaged_ = text.find('\n', good) != text.npos;
  if (damaged_) TRY_OK(mailfile::replace_file(path_ + ".damaged", text));
  return undo(good);
}

bool Journal::take_line(std::string_view line, Open& open) {
  if (line.size() < 12 || checked(std::string(line.substr(9))) != std::string(line) + "\n") return false;
  line.remove_prefix(9);
  const auto kind = take_word(line);
  const auto when = take_time(line);
  if (!when) return false;
  if (kind == "S" || kind == "D" || kind == "N") {
    std::string key(line);
    open.erase(key);
    refused_.erase(key);
    if (kind == "N")
      refused_[std::move(key)] = ++refusals_;
    else if (kind == "D")
      kept_.erase(key);
    else
      kept_[std::move(key)] = {.since = *when, .fingerprint = {}, .doubted = {}, .unseen = {}};
    return true;
  }
  if (kind == "M" || kind == "R" || kind == "U") return take_mark(kind.front(), *when, line);
  if (kind == "A") owner_ = line;
  if (kind == "A") return true;
  if (kind != "P") return false;
  Prepared one{
      .key = {}, .when = *when, .boot = std::string(take_word(line)), .where = std::string(take_word(line))};
  one.key = line;
  open[one.key].push_back(std::move(one));
  return true;
}

bool Journal::take_mark(char kind, Seconds when, std::string_view rest) {
  const std::string fingerprint(kind == 'M' ? take_word(rest) : std::string_view());
  const auto kept = kept_.find(std::string(rest));
  if (kept == kept_.end()) return true;
  if (kind == 'M')
    kept->second.fingerprint = fingerprint;
  else
    (kind == 'R' ? kept->second.doubted : kept->second.unseen) = when;
  return true;
}

const Kept* Journal::find(const std::string& key) const {
  const auto found = kept_.find(key);
  return found == kept_.end() ? nullptr : &found->second;
}

std::optional<Seconds> Journal::stored(const std::string& key) const {
  const auto* kept = find(key);
  return kept && !kept->doubted ? std::optional(kept->since) : std::nullopt;
}

bool Journal::has_kind(char kind) const {
  return std::ranges::any_of(kept_, [kind](const auto& one) { return one.first.starts_with(kind); });
}

bool Journal::any_key(const std::function<bool(const std::string&)>& is) const {
  return std::ranges::any_of(kept_, [&](const auto& one) { return is(one.first); });
}

std::uint64_t Journal::last_refusal(const std::string& key) const {
  const auto found = refused_.find(key);
  return found == refused_.end() ? 0 : found->second;
}

std::vector<std::string> Journal::refused_in_order(const std::function<bool(const std::string&)>& is_listed) const {
  std::vector<std::string> out;
  for (const auto& [key, number] : refused_)
    if (is_listed(key)) out.push_back(key);
  std::ranges::sort(out, {}, [this](const std::string& key) { return refused_.at(key); });
  return out;
}

Result<void> Journal::append(const std::string& lines) {
  auto written = mailfile::write_all(file_.fd(), lines, path_);
  if (!written) {
    (void)undo(length_);
    return written;
  }
  length_ += lines.size();
  return {};
}

Result<void> Journal::append_prepared(std::span<const Prepared> all) {
  std::string lines;
  for (const auto& one : all) {
    CHECK(is_word(one.key) && one.key.size() <= kMaxKey && is_word(one.where));
    lines += checked("P " + text_of(one.when) + " " + (one.boot.empty() ? "-" : one.boot) + " " + one.where +
                     " " + one.key);
  }
  lines_ += all.size();
  return append(lines);
}

Result<void> Journal::append_keys(char kind, std::span<const std::string> keys, Seconds when) {
  std::string lines;
  for (const auto& key : keys) {
    CHECK(is_word(key) && key.size() <= kMaxKey);
    lines += key_line(kind, key, when);
  }
  lines_ += keys.size();
  return append(lines);
}

Result<void> Journal::append_stored(std::span<const std::string> keys, Seconds when) {
  return append_keys('S', keys, when);
}

Result<void> Journal::append_forgotten(std::span<const std::string> keys, Seconds when) {
  return append_keys('D', keys, when);
}

Result<void> Journal::append_refused(std::span<const std::string> keys, Seconds when) {
  if (!keys.empty()) TRY_OK(become_version_2());
  return append_keys('N', keys, when);
}

void Journal::remember(std::span<const std::string> keys, Seconds when) {
  for (const auto& key : keys) {
    kept_[key] = {.since = when, .fingerprint = {}, .doubted = {}, .unseen = {}};
    refused_.erase(key);
  }
}

void Journal::remember_refused(std::span<const std::string> keys) {
  for (const auto& key : keys) refused_[key] = ++refusals_;
}

// Before lines that version 1 does not have: who reads only that must not believe the others alone.
Result<void> Journal::become_version_2() {
  if (!is_version_1_) return {};
  TRY(const auto file, mailfile::open_file(path_, O_WRONLY));  // file_ only appends
  TRY_OK(mailfile::write_all(file.fd(), kMagic, path_));
  is_version_1_ = false;
  return {};
}

Result<void> Journal::append_marks(const std::string& lines, std::size_t count) {
  if (count == 0) return {};
  TRY_OK(become_version_2());
  lines_ += count;
  TRY_OK(append(lines));
  return sync();
}

Result<void> Journal::add_fingerprints(std::span<const Fingerprinted> all) {
  std::string lines;
  for (const auto& one : all) lines += fingerprint_line(one, this_second());
  TRY_OK(append_marks(lines, all.size()));
  for (const auto& one : all) kept_.at(one.key).fingerprint = one.fingerprint;
  return {};
}

Result<void> Journal::doubt(std::span<const std::string> keys, Seconds when) {
  std::vector<Kept*> doubted;
  std::string lines;
  for (const auto& key : keys) {
    auto& kept = kept_.at(key);
    if (kept.fingerprint.empty()) continue;
    lines += key_line('R', key, when);
    doubted.push_back(&kept);
  }
  TRY_OK(append_marks(lines, doubted.size()));
  for (auto* kept : doubted) kept->doubted = when;
  return {};
}

Result<void> Journal::believe(std::span<const Recognised> all) {
  std::string lines;
  std::size_t count = 0;
  for (const auto& [key, as] : all) {
    auto& kept = kept_[key];
    kept = {.since = as.since, .fingerprint = as.fingerprint, .doubted = {}};
    lines += lines_of(key, kept);
    count += count_lines(kept);
  }
  return append_marks(lines, count);
}

Result<void> Journal::undo(std::uint64_t mark) {
  if (::ftruncate(file_.fd(), static_cast<off_t>(mark)) != 0) return mailfile::errno_failure("cut", path_);
  length_ = mark;
  return {};
}

Result<void> Journal::sync() { return mailfile::sync_file(file_.fd(), path_); }

std::vector<std::string> Journal::find_forgettable(const Keys& keys, const Keys& removed, Seconds when) const {
  std::vector<std::string> out;
  std::vector<std::pair<Seconds, std::string>> vanished;
  for (const auto& [key, kept] : kept_) {
    if (keys.contains(key)) continue;
    const auto since = kept.doubted.value_or(when);
    if (removed.contains(key) || kept.fingerprint.empty() || when - since > kVanished)
      out.push_back(key);
    else
      vanished.emplace_back(since, key);
  }
  if (vanished.size() <= kMostVanished) return out;
  std::ranges::nth_element(vanished, vanished.begin() + kMostVanished, std::greater());
  for (auto i = kMostVanished; i < vanished.size(); ++i) out.push_back(std::move(vanished[i].second));
  return out;
}

Result<void> Journal::keep_only(const Keys& keys, const Keys& removed, Seconds when) {
  const auto gone = find_forgettable(keys, removed, when);
  for (const auto& key : gone) kept_.erase(key);
  std::erase_if(refused_, [&keys](const auto& one) { return !keys.contains(one.first); });
  std::string doubts;
  std::size_t vanished = 0, of_use = refused_.size();
  for (auto& [key, kept] : kept_) {
    if (!kept.doubted && !keys.contains(key)) {
      kept.doubted = when;
      doubts += key_line('R', key, when);
      ++vanished;
    }
    of_use += count_lines(kept);
  }
  if (pending_.empty() && lines_ + gone.size() + vanished > of_use + of_use / 2 + kSlack) return rewrite();
  TRY_OK(append_marks(doubts, vanished));
  if (gone.empty()) return {};
  TRY_OK(append_forgotten(gone, when));
  return sync();
}

Result<void> Journal::keep(const std::function<Sight(const std::string&)>& sight_of, Seconds when) {
  std::string lines;
  std::size_t count = 0, unseen = 0;
  std::vector<std::string> unseen_before, gone;
  for (auto& [key, kept] : kept_) {
    const auto sight = sight_of(key);
    if (sight == Sight::gone || (sight == Sight::unseen && kept.unseen && when - *kept.unseen > kVanished)) {
      gone.push_back(key);
    } else if (sight == Sight::unseen && kept.unseen) {
      unseen_before.push_back(key);
    } else if (sight == Sight::unseen) {
      kept.unseen = when;
      lines += key_line('U', key, when);
      ++count, ++unseen;
    } else if (std::exchange(kept.unseen, std::nullopt)) {
      lines += lines_of(key, kept);
      count += count_lines(kept);
    }
  }
  if (unseen + unseen_before.size() > kMostUnseen) gone.insert(gone.end(), unseen_before.begin(), unseen_before.end());
  for (const auto& key : gone) kept_.erase(key);
  std::erase_if(refused_, [&sight_of](const auto& one) { return sight_of(one.first) != Sight::seen; });
  std::size_t of_use = refused_.size();
  for (const auto& [key, kept] : kept_) of_use += count_lines(kept);
  if (pending_.empty() && lines_ + count + gone.size() > of_use + of_use / 2 + kSlack) return rewrite();
  TRY_OK(append_marks(lines, count));
  if (gone.empty()) return {};
  TRY_OK(append_forgotten(gone, when));
  return sync();
}

Result<void> Journal::rewrite() {
  std::string text(kMagic);
  if (!owner_.empty()) text += key_line('A', owner_, this_second());
  lines_ = 0;
  for (const auto& [key, kept] : kept_) {
    text += lines_of(key, kept);
    lines_ += count_lines(kept);
  }
  for (const auto& key : refused_in_order([](const auto&) { return true; })) text += key_line('N', key, this_second());
  lines_ += refused_.size();
  TRY_OK(mailfile::replace_file(path_, text));
  is_version_1_ = false;
  TRY(file_, mailfile::open_file(path_, O_RDWR | O_APPEND));
  length_ = text.size();
  return {};
}

}  // namespace posthorn::fetch
