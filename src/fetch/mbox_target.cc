#include "fetch/mbox_target.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "crypto/digest.h"
#include "fetch/where.h"
#include "mailfile/line_ends.h"
#include "mailfile/maildir_name.h"
#include "mailfile/mbox_format.h"
#include "mailfile/mbox_writer.h"

namespace posthorn::fetch {
namespace {

using mailfile::File;
using mailfile::MboxAppend;

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::string_view kSpool = "spool-";

// "mbox/OFFSET/SIZE/CRC/SPOOL"
struct Where {
  std::uint64_t offset = 0, size = 0;
  std::uint32_t crc = 0;
  std::string spool;
};

std::string text_of(const Where& w) {
  return "mbox/" + std::to_string(w.offset) + "/" + std::to_string(w.size) + "/" + std::to_string(w.crc) +
         "/" + w.spool;
}

std::optional<Where> parse_where(std::string_view in) {
  Where out;
  if (take_part(in) != "mbox") return {};
  if (!take_number(in, out.offset) || !take_number(in, out.size) || !take_number(in, out.crc)) return {};
  if (!in.starts_with(kSpool) || in.find('/') != in.npos) return {};
  out.spool = in;
  return out;
}

std::string spool_path(const Journal& journal, const std::string& spool) {
  return journal.path() + "." + spool;
}

// Messages in the form of the mbox, before they are in it.
struct Spool {
  std::string name, path;
  File file;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  std::vector<std::string> keys;
};

Result<void> copy(const File& from, std::uint64_t size, const std::string& path, MboxAppend& to) {
  std::vector<char> piece(kPiece);
  for (std::uint64_t at = 0; at < size;) {
    const auto n = ::pread(from.fd(), piece.data(), std::min<std::uint64_t>(piece.size(), size - at),
                           static_cast<off_t>(at));
    if (n <= 0) return mailfile::errno_failure("read", path);
    TRY_OK(to.put({piece.data(), static_cast<std::size_t>(n)}));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

class MboxBatch final : public Batch {
 public:
  MboxBatch(std::string mbox, Spool spool) : mbox_(std::move(mbox)), spool_(std::move(spool)) {}

  Task<Result<void>> commit(Journal& journal, WorkerPool& pool) override {
    const auto when = this_second();
    auto done = co_await pool.run([&] { return store(journal, when); });
    journal.remember(stored, when);
    co_return done;
  }

 private:
  Result<void> store(Journal& journal, Seconds when) {
    const auto mark = journal.mark();
    auto done = append(journal, when);
    // Nothing has changed, or all of it was taken back.  Where even the journal cannot be, the next run
    // compares the mbox with the spool.
    if (!done && !journal.undo(mark)) return done;
    ::unlink(spool_.path.c_str());
    if (!done) return done;
    stored = spool_.keys;
    return journal.append_stored(stored, when);
  }

  Result<void> append(Journal& journal, Seconds when) {
    TRY(auto mbox, MboxAppend::begin(mbox_));
    TRY_OK(mbox.separate());
    const auto where =
        text_of({.offset = mbox.start(), .size = spool_.size, .crc = spool_.crc, .spool = spool_.name});
    std::vector<Prepared> prepared;
    for (const auto& key : spool_.keys)
      prepared.push_back({.key = key, .when = when, .boot = mailfile::boot_id(), .where = where});
    TRY_OK(mailfile::sync_file(spool_.file.fd(), spool_.path));
    TRY_OK(journal.append_prepared(prepared));
    TRY_OK(journal.sync());
    TRY_OK(copy(spool_.file, spool_.size, spool_.path, mbox));
    return mbox.commit();
  }

  std::string mbox_;
  Spool spool_;
};

class MboxTarget final : public Target {
 public:
  explicit MboxTarget(std::string path) : path_(std::move(path)) {}
  ~MboxTarget() override {
    if (spool_.file.is_open()) ::unlink(spool_.path.c_str());
  }

  Task<Result<void>> open(Journal& journal, WorkerPool& pool) override {
    journal_path_ = journal.path();
    std::vector<std::string> keys;
    const auto when = this_second();
    auto done = co_await pool.run([&] { return settle(journal, when, keys); });
    journal.remember(keys, when);
    if (done) journal.pending_is_settled();
    co_return done;
  }

  Result<void> begin(Facts facts) override {
    if (!spool_.file.is_open()) {
      spool_.name = std::string(kSpool) + mailfile::make_maildir_name().unique;
      spool_.path = journal_path_ + "." + spool_.name;
      TRY(spool_.file, mailfile::open_file(spool_.path, O_RDWR | O_CREAT | O_EXCL));
    }
    to_lf_ = {};
    out_.clear();
    size_ = spool_.size;
    crc_ = spool_.crc;
    encoder_.begin(out_, {}, facts.internal_date.value_or(now()), facts.flags);
    return {};
  }

  Result<void> put(std::string_view bytes) override {
    text_.clear();
    to_lf_.put(text_, bytes);
    encoder_.put(out_, text_);
    return out_.size() < kPiece ? Result<void>{} : write();
  }

  Result<void> end(std::string key, Facts) override {
    text_.clear();
    to_lf_.finish(text_);
    encoder_.put(out_, text_);
    encoder_.finish(out_);
    TRY_OK(write());
    spool_.size = size_;
    spool_.crc = crc_;
    spool_.keys.push_back(std::move(key));
    return {};
  }

  void drop() override {
    if (!spool_.file.is_open()) return;
    out_.clear();
    (void)::ftruncate(spool_.file.fd(), static_cast<off_t>(spool_.size));
    (void)::lseek(spool_.file.fd(), static_cast<off_t>(spool_.size), SEEK_SET);
  }

  std::size_t waiting() const override { return spool_.keys.size(); }
  std::uint64_t waiting_bytes() const override { return spool_.size; }
  std::unique_ptr<Batch> take() override {
    return std::make_unique<MboxBatch>(path_, std::exchange(spool_, {}));
  }

  Task<Result<void>> finish(Journal& journal, WorkerPool& pool) override {
    co_return co_await pool.run([&] { return journal.sync(); });
  }

 private:
  Result<void> write() {
    TRY_OK(mailfile::write_all(spool_.file.fd(), out_, spool_.path));
    size_ += out_.size();
    crc_ = crypto::crc32c(out_, crc_);
    out_.clear();
    return {};
  }

  Result<void> settle(Journal& journal, Seconds when, std::vector<std::string>& keys) {
    std::vector<std::string> nowhere;
    std::string last;
    bool is_there = false;
    for (const auto& one : journal.pending()) {
      const auto where = parse_where(one.where);
      if (!where) return fail(Errc::corrupt, journal.path() + " is of another place than " + path_);
      if (one.where != last) {
        TRY(is_there, settle_one(journal, *where));
      }
      last = one.where;
      (is_there ? keys : nowhere).push_back(one.key);
    }
    if (!journal.pending().empty()) {
      TRY_OK(journal.append_forgotten(nowhere, when));
      TRY_OK(journal.append_stored(keys, when));
      TRY_OK(journal.sync());
    }
    remove_spools(journal);
    return {};
  }

  // Is all of it in the mbox?  If a part is, and nothing behind it, that goes.
  Result<bool> settle_one(const Journal& journal, const Where& where) {
    TRY(auto mbox, MboxAppend::begin(path_));
    if (mbox.length() >= where.offset + where.size) {
      std::uint32_t crc = 0;
      std::string piece(kPiece, '\0');
      for (std::uint64_t at = 0; at < where.size; at += piece.size()) {
        piece.resize(std::min<std::uint64_t>(kPiece, where.size - at));
        TRY_OK(read_at(mbox.fd(), where.offset + at, piece));
        crc = crypto::crc32c(piece, crc);
      }
      if (crc == where.crc) return true;
    }
    if (mbox.length() <= where.offset || mbox.length() > where.offset + where.size) return false;
    const auto file = mailfile::open_file(spool_path(journal, where.spool), O_RDONLY | O_NOFOLLOW);
    if (!file) return false;
    std::string ours(kPiece, '\0'), there;
    for (auto at = where.offset; at < mbox.length(); at += ours.size()) {
      ours.resize(std::min<std::uint64_t>(kPiece, mbox.length() - at));
      there.resize(ours.size());
      TRY_OK(read_at(mbox.fd(), at, there));
      TRY_OK(read_at(file->fd(), at - where.offset, ours));
      if (ours != there) return false;
    }
    TRY_OK(mbox.cut_back(where.offset));
    return false;
  }

  static Result<void> read_at(int fd, std::uint64_t at, std::string& into) {
    for (std::size_t have = 0; have < into.size();) {
      const auto n = ::pread(fd, into.data() + have, into.size() - have, static_cast<off_t>(at + have));
      if (n <= 0) return fail(Errc::io, "an mbox file or a part of it cannot be read");
      have += static_cast<std::size_t>(n);
    }
    return {};
  }

  // Those that an earlier run has left and no line of the journal needs.
  static void remove_spools(const Journal& journal) {
    const std::filesystem::path path(journal.path());
    const auto prefix = path.filename().string() + "." + std::string(kSpool);
    std::error_code error;
    std::vector<std::filesystem::path> old;
    for (const auto& one :
         std::filesystem::directory_iterator(path.parent_path().empty() ? "." : path.parent_path(), error))
      if (one.path().filename().string().starts_with(prefix)) old.push_back(one.path());
    for (const auto& one : old) std::filesystem::remove(one, error);
  }

  std::string path_, journal_path_;
  Spool spool_;
  mailfile::ToLf to_lf_;
  mailfile::MboxEncoder encoder_;
  std::string text_, out_;
  std::uint64_t size_ = 0;  // of the spool with the message that is coming
  std::uint32_t crc_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_mbox_target(std::string path) {
  return std::make_unique<MboxTarget>(std::move(path));
}

}  // namespace posthorn::fetch
