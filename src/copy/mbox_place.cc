#include "copy/mbox_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "copy/maildir_text.h"
#include "mailfile/flag_letters.h"
#include "mailfile/mbox_reader.h"
#include "mailfile/mbox_writer.h"

namespace posthorn::copy {
namespace {

using namespace mailfile;
namespace fs = std::filesystem;

constexpr std::string_view kBelow = ".sbd";
constexpr std::size_t kMostHeader = 256 << 10;

imap::FlagList flags_of(std::string_view letters) {
  imap::FlagList flags;
  for (const auto& [letter, flag] : kFlagLetters)
    if (letters.contains(letter)) flags.set(flag);
  return flags;
}

std::string letters_of(const imap::FlagList& flags) {
  std::string letters;
  for (const auto& [letter, flag] : kFlagLetters)
    if (flags.has(flag)) letters += letter;
  return letters;
}

Result<bool> looks_like_mbox(const std::string& path) {
  TRY(const auto file, open_file(path, O_RDONLY));
  char begin[5];
  TRY(const auto n, read_some(file.fd(), begin, path));
  return n == 0 || std::string_view(begin, n) == "From ";
}

// What comes of a message to whoever wants it: the wanted ones as letters, in the order of the file.
class Collect final : public MboxReader::Events {
 public:
  struct Found {
    std::uint64_t offset = 0;
    MessageInfo info;
  };
  Collect(std::uint64_t base, bool with_fields, std::vector<std::uint32_t>* wanted, std::uint32_t first)
      : base_(base), with_fields_(with_fields), wanted_(wanted), number_(first - 1) {}
  std::vector<Found> found;
  std::vector<Letter> letters;
  bool done() const { return wanted_ && letters.size() == wanted_->size(); }

  Result<void> begin(const MboxMessage& message) override {
    ++number_;
    if (done()) return fail(Errc::cancelled);
    now_ = {.offset = base_ + message.offset, .info = {.uid = number_, .flags = flags_of(message.flags)}};
    if (message.when) now_.info.date = text::DateTime{std::chrono::floor<std::chrono::seconds>(*message.when), 0};
    takes_ = wanted_ && std::ranges::binary_search(*wanted_, number_);
    text_ = {};
    header_.clear();
    octets_ = {};
    return {};
  }
  Result<void> put(std::string_view bytes) override {
    std::string octets;
    text_.put(octets, bytes);
    now_.info.size += octets.size();
    if (with_fields_ && header_.size() < kMostHeader) header_ += octets;
    if (takes_) return octets_.write(octets);
    return {};
  }
  Result<void> end() override {
    if (with_fields_) now_.info.fields = identity_of(header_);
    if (takes_) letters.push_back({now_.info, std::move(octets_)});
    found.push_back(std::move(now_));
    return {};
  }

 private:
  const std::uint64_t base_;
  const bool with_fields_;
  std::vector<std::uint32_t>* wanted_;
  std::uint32_t number_;
  Found now_;
  MaildirText text_;
  std::string header_;
  Spool octets_;
  bool takes_ = false;
};

class MboxPlace final : public MailPlace {
 public:
  MboxPlace(std::string path, bool is_tree, WorkerPool& workers) : path_(std::move(path)), is_tree_(is_tree), workers_(workers) {}

  std::string name() const override { return "mbox:" + path_; }
  bool changes_flags() const override { return false; }

  Task<Result<std::vector<FolderInfo>>> folders() override {
    co_return co_await workers_.run([this]() -> Result<std::vector<FolderInfo>> {
      std::vector<FolderInfo> out;
      if (!is_tree_) out.push_back({{"INBOX"}});
      else TRY_OK(find_folders(path_, {}, out));
      std::ranges::sort(out, {}, &FolderInfo::path);
      return out;
    });
  }

  Task<Result<FolderNumbers>> enter(FolderInfo folder, Entering how) override {
    co_return co_await workers_.run([&]() -> Result<FolderNumbers> {
      TRY(file_, file_of(folder.path));
      if (how == Entering::to_write) {
        TRY_OK(make_directories(fs::path(file_).parent_path().string()));
        TRY_OK(take_back_half());
      } else if (!fs::exists(file_)) {
        return fail(Errc::not_found, "there is no mbox " + file_);
      }
      known_.clear();
      return FolderNumbers{};
    });
  }

  Task<Result<std::vector<MessageInfo>>> list(bool with_fields) override {
    co_return co_await workers_.run([&]() -> Result<std::vector<MessageInfo>> {
      TRY(stamp_, stamp_of(file_));
      TRY(auto found, find_all(with_fields));
      std::vector<MessageInfo> out;
      known_.clear();
      for (auto& one : found) {
        known_.push_back({one.offset, one.info.size});
        out.push_back(std::move(one.info));
      }
      return out;
    });
  }

  Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink& sink) override {
    for (std::size_t at = 0; at < uids.size();) {
      const auto some = take_some(uids, at);
      if (some.empty()) co_return fail(Errc::not_found, "there is no such message in " + file_);
      std::vector<Letter> letters;
      const auto read = co_await workers_.run([&] { return read_letters(some, letters); });
      CO_TRY_OK(read);
      for (auto& letter : letters) CO_TRY_OK(co_await sink.take(std::move(letter)));
    }
    co_return Result<void>{};
  }

  Task<Result<bool>> keep_numbers(FolderNumbers) override { co_return false; }

  Task<Result<void>> add(std::vector<Letter>& letters, std::vector<Added>& outcomes) override {
    co_return co_await workers_.run([&]() -> Result<void> {
      std::vector<Added> added(letters.size());
      Spool text;
      for (std::size_t i = 0; i < letters.size(); ++i) {
        TRY_OK(encode(letters[i], text));
        for (const auto& keyword : letters[i].info.flags.keywords) added[i].lost += (added[i].lost.empty() ? "the keyword " : ", ") + keyword;
      }
      TRY_OK(append_all(text));
      for (auto& one : added) outcomes.push_back(std::move(one));
      return {};
    });
  }

  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>>) override { co_return fail(Errc::unsupported, "flags in an mbox are not changed"); }
  Task<> close() override { co_return; }

 private:
  struct Known {
    std::uint64_t offset = 0, size = 0;
    bool operator==(const Known&) const = default;
  };
  // Of a file that nobody has written to it stays the same.
  struct Stamp {
    std::uint64_t inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };

  static Result<Stamp> stamp_of(const std::string& path) {
    struct stat at{};
    if (::stat(path.c_str(), &at) != 0) return errno_failure("look at", path);
    return Stamp{at.st_ino, static_cast<std::uint64_t>(at.st_size), at.st_mtim.tv_sec, at.st_mtim.tv_nsec};
  }

  // The next of them, as many as memory shall hold; from `at` on, which moves.
  std::vector<std::uint32_t> take_some(const std::vector<std::uint32_t>& uids, std::size_t& at) const {
    constexpr std::size_t kMessages = 256, kBytes = 8 << 20;
    std::vector<std::uint32_t> some;
    for (std::uint64_t bytes = 0; at < uids.size() && some.size() < kMessages; ++at) {
      if (uids[at] == 0 || uids[at] > known_.size()) break;
      bytes += known_[uids[at] - 1].size;
      if (!some.empty() && bytes > kBytes) break;
      some.push_back(uids[at]);
    }
    return some;
  }

  Result<void> read_letters(std::vector<std::uint32_t> uids, std::vector<Letter>& letters) {
    const auto from = known_[uids.front() - 1].offset;
    Collect some(from, false, &uids, uids.front());
    TRY_OK(scan(some, from));
    TRY_OK(check_unchanged());
    letters = std::move(some.letters);
    return {};
  }

  // Mail programs write the whole file anew when they remove messages, and then others stand where those stood that were asked for.  What has
  // been appended harms nobody.
  Result<void> check_unchanged() {
    TRY(const auto stamp, stamp_of(file_));
    if (stamp == stamp_) return {};
    TRY(const auto found, find_all(false));
    const auto same = [](const Known& known, const Collect::Found& one) { return known == Known{one.offset, one.info.size}; };
    if (found.size() < known_.size() || !std::equal(known_.begin(), known_.end(), found.begin(), same))
      return fail(Errc::busy, file_ + " was written anew while it was read");
    stamp_ = stamp;
    return {};
  }

  Result<std::vector<Collect::Found>> find_all(bool with_fields) {
    Collect all(0, with_fields, nullptr, 1);
    TRY_OK(scan(all, 0));
    return std::move(all.found);
  }

  // Up to what `events` wants.
  Result<void> scan(Collect& events, std::uint64_t from) {
    TRY(const auto file, open_file(file_, O_RDONLY));
    if (::lseek(file.fd(), static_cast<off_t>(from), SEEK_SET) < 0) return errno_failure("read", file_);
    MboxReader reader;
    std::vector<char> piece(256 << 10);
    for (;;) {
      TRY(const auto n, read_some(file.fd(), piece, file_));
      auto done = n ? reader.feed({piece.data(), n}, events) : reader.finish(events);
      if (!done && done.error().code == Errc::cancelled) return {};
      if (!done) return fail(done.error().code, file_ + ": " + done.error().text);
      if (n == 0 || events.done()) return {};
    }
  }

  // What is under way lies in a file beside it: where it begins, and its text.
  std::string note_path() const { return file_ + ".posthorn-copy"; }

  Result<void> write_note(std::uint64_t start, Spool& text) const {
    TRY(const auto note, open_file(note_path(), O_WRONLY | O_CREAT | O_TRUNC));
    TRY_OK(write_all(note.fd(), std::to_string(start) + "\n", note_path()));
    for (std::uint64_t at = 0;;) {
      TRY(const auto piece, text.read(at));
      if (piece.empty()) break;
      at += piece.size();
      TRY_OK(write_all(note.fd(), piece, note_path()));
    }
    TRY_OK(sync_file(note.fd(), note_path()));
    return sync_directory(fs::path(note_path()).parent_path().string());
  }

  Result<void> append_all(Spool& text) {
    TRY(auto append, MboxAppend::begin(file_));
    TRY_OK(append.separate());
    TRY_OK(write_note(append.start(), text));
    for (std::uint64_t at = 0;;) {
      TRY(const auto piece, text.read(at));
      if (piece.empty()) break;
      at += piece.size();
      TRY_OK(append.put(piece));
    }
    TRY_OK(append.commit());
    ::unlink(note_path().c_str());
    return {};
  }

  // An earlier run was killed while it wrote: half a message must not be taken for one.  Only what that run has written, and only if nothing
  // stands behind it, goes.
  Result<void> take_back_half() {
    TRY(auto append, MboxAppend::begin(file_));  // makes it
    auto opened = open_file(note_path(), O_RDONLY);
    if (!opened && opened.error().code == Errc::not_found) return {};
    if (!opened) return std::unexpected(opened.error());
    const auto start = half_from(opened->fd(), append.length());
    if (!start) return std::unexpected(start.error());
    if (*start < append.length()) {
      TRY_OK(append.cut_back(*start));
    }
    ::unlink(note_path().c_str());
    return {};
  }

  // Where a half that is all of the end of the file begins; the length: there is none.
  Result<std::uint64_t> half_from(int note, std::uint64_t length) const {
    char first[32];
    const auto n = ::pread(note, first, sizeof first - 1, 0);
    const auto end = n > 0 ? std::string_view(first, static_cast<std::size_t>(n)).find('\n') : std::string_view::npos;
    if (end == std::string_view::npos) return length;  // the note itself is half: nothing was written yet
    first[n] = 0;
    const std::uint64_t start = std::strtoull(first, nullptr, 10);
    TRY(const auto box, open_file(file_, O_RDONLY));
    std::vector<char> ours(64 << 10), theirs(64 << 10);
    for (std::uint64_t at = start; at < length;) {
      const auto want = std::min<std::uint64_t>(ours.size(), length - at);
      const auto a = ::pread(box.fd(), ours.data(), want, static_cast<off_t>(at));
      const auto b = ::pread(note, theirs.data(), want, static_cast<off_t>(at - start + end + 1));
      if (a < 0 || b < 0) return errno_failure("read", file_);
      if (a == 0 || b < a || !std::equal(ours.begin(), ours.begin() + a, theirs.begin())) return length;  // others have written here
      at += static_cast<std::uint64_t>(a);
    }
    struct stat at{};
    if (::fstat(note, &at) != 0) return errno_failure("look at", note_path());
    const bool whole = length >= start && static_cast<std::uint64_t>(at.st_size) == end + 1 + (length - start);
    return whole ? length : std::min(start, length);
  }

  static Result<void> encode(Letter& letter, Spool& text) {
    MboxEncoder encoder;
    std::string out;
    const SysTime when = letter.info.date ? SysTime(letter.info.date->time) : now();
    encoder.begin(out, {}, when, letters_of(letter.info.flags));
    const auto put = [&](std::string_view piece) {
      encoder.put(out, piece);
      auto written = text.write(out);
      out.clear();
      return written;
    };
    TRY_OK(give_as_file(letter.octets, put));
    encoder.finish(out);
    return text.write(out);
  }

  // "Archive/2024" is DIR/Archive.sbd/2024.
  Result<std::string> file_of(const FolderPath& path) const {
    if (!is_tree_) {
      if (path == FolderPath{"INBOX"}) return path_;
      return fail(Errc::invalid, path_ + " is one folder; for " + to_string(path) + " name a directory, as mbox:" + path_ + ".d/");
    }
    std::string out = path_;
    for (std::size_t i = 0; i < path.size(); ++i) {
      TRY(const auto level, folder_to_path({path[i]}, MaildirLayout::nested));
      out += "/" + level;
      if (i + 1 < path.size()) out += kBelow;
    }
    return out;
  }

  static Result<void> find_folders(const std::string& directory, const FolderPath& above, std::vector<FolderInfo>& out) {
    constexpr std::size_t kDeepest = 32;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      const auto file = it->path().filename().string();
      if (file.starts_with('.')) continue;
      const bool below = it->is_directory() && file.ends_with(kBelow) && above.size() < kDeepest;
      auto level = path_to_folder(below ? file.substr(0, file.size() - kBelow.size()) : file, MaildirLayout::nested);
      if (!level) continue;
      FolderPath path = above;
      path.insert(path.end(), level->begin(), level->end());
      if (below) {
        TRY_OK(find_folders(it->path().string(), path, out));
      } else if (it->is_regular_file()) {
        TRY(const bool is_mbox, looks_like_mbox(it->path().string()));
        if (is_mbox) out.push_back({std::move(path)});
      }
    }
    if (error) return fail(Errc::io, "cannot read " + directory + ": " + error.message());
    return {};
  }

  const std::string path_;
  const bool is_tree_;
  WorkerPool& workers_;
  std::string file_;          // of the folder that was entered
  std::vector<Known> known_;  // its messages, when it was listed
  Stamp stamp_;               // of that time
};

}  // namespace

Task<Result<std::unique_ptr<MailPlace>>> open_mbox_place(std::string path, WorkerPool& workers) {
  bool is_tree = path.ends_with('/');
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::error_code none;
  is_tree = is_tree || fs::is_directory(path, none);
  co_return std::make_unique<MboxPlace>(std::move(path), is_tree, workers);
}

}  // namespace posthorn::copy
