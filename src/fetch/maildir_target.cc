#include "fetch/maildir_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "crypto/digest.h"
#include "fetch/where.h"
#include "mailfile/line_ends.h"

namespace posthorn::fetch {
namespace {

using mailfile::MaildirBatch;
using mailfile::MaildirDraft;
using mailfile::MaildirFolder;
using mailfile::MaildirName;
using Into = MaildirBatch::Into;

// Of what was written longer ago programs may clean tmp after 36 h. [https://cr.yp.to/proto/maildir.html]
constexpr auto kNobodyCleans = std::chrono::minutes(35 * 60 + 30);

// "maildir/NAME/SIZE/CRC/TMP"
struct Where {
  MaildirName name;        // as it will be called
  std::uint64_t size = 0;  // of its bytes
  std::uint32_t crc = 0;
  std::uint64_t tmp = 0;  // the inode of "tmp": in another directory of that name nothing can be missed
};

std::uint64_t inode_of_tmp(const MaildirFolder& folder) {
  struct stat at {};
  return ::stat((folder.path() + "/tmp").c_str(), &at) == 0 ? at.st_ino : 0;
}

std::string text_of(const Where& w) {
  return "maildir/" + w.name.text() + "/" + std::to_string(w.size) + "/" + std::to_string(w.crc) + "/" +
         std::to_string(w.tmp);
}

std::optional<Where> parse_where(std::string_view in) {
  if (take_part(in) != "maildir") return {};
  auto name = mailfile::parse_maildir_name(take_part(in));
  if (!name) return {};
  Where out{.name = *std::move(name)};
  if (!take_number(in, out.size) || !take_number(in, out.crc) || !take_number(in, out.tmp)) return {};
  return out;
}

struct Waiting {
  MaildirDraft draft;
  std::uint32_t crc;
  std::string key;
};

// What has appeared, but may disappear again when the machine stops: the journal says "stored" when it cannot
// any more.
using Appeared = std::vector<std::string>;

class MaildirFetchBatch final : public Batch {
 public:
  MaildirFetchBatch(MaildirFolder folder, std::vector<Waiting> all, Seconds since, Appeared& appeared)
      : folder_(std::move(folder)), all_(std::move(all)), since_(since), appeared_(appeared) {}

  Task<Result<void>> commit(Journal& journal, WorkerPool& pool) override {
    const auto when = this_second();
    auto done = co_await pool.run([&] { return store(journal, when); });
    journal.remember(stored, when);
    co_return done;
  }

 private:
  Result<void> store(Journal& journal, Seconds when) {
    MaildirBatch batch(folder_);
    const auto boot = mailfile::boot_id();
    const auto tmp = inode_of_tmp(folder_);
    std::vector<Prepared> prepared;
    std::vector<std::string> keys;
    for (auto& [draft, crc, key] : all_) {
      prepared.push_back(
          {.key = key,
           .when = since_,
           .boot = boot,
           .where = text_of({.name = draft.name(), .size = draft.size(), .crc = crc, .tmp = tmp})});
      keys.push_back(std::move(key));
      batch.add(std::move(draft), Into::new_mail);
    }
    const auto mark = journal.mark();
    if (auto ready = prepare(journal, batch, prepared, when); !ready) {
      // Nothing has appeared: as if it had not been tried.  Where even that cannot be written, the next run
      // finds them in tmp.
      if (!journal.undo(mark)) batch.leave_in_tmp();
      return ready;
    }
    appeared_.clear();
    std::vector<mailfile::MaildirEntry> delivered;
    auto done = batch.deliver(delivered);
    if (!done) batch.leave_in_tmp();
    keys.resize(delivered.size());
    appeared_ = stored = std::move(keys);
    return done;
  }

  // The bytes, and that they are prepared, are on the disk; so are the names that the last batch made, of which the journal knows then.
  // Everything that may fail stands here: of what is said to be prepared, and is not in tmp, the next run believes that it has appeared.
  Result<void> prepare(Journal& journal, MaildirBatch& batch, const std::vector<Prepared>& prepared, Seconds when) {
    TRY_OK(journal.append_prepared(prepared));
    TRY(const auto synced, batch.sync(journal.fd()));
    if (synced != mailfile::Synced::file_system && !appeared_.empty()) TRY_OK(folder_.sync());
    return journal.append_stored(appeared_, when);
  }

  MaildirFolder folder_;
  std::vector<Waiting> all_;
  const Seconds since_;
  Appeared& appeared_;
};

class MaildirTarget final : public Target {
 public:
  explicit MaildirTarget(MaildirFolder folder) : folder_(std::move(folder)) {}

  Task<Result<void>> open(Journal& journal, WorkerPool& pool) override {
    const auto when = this_second();
    std::vector<std::string> keys;
    auto done = co_await pool.run([&] { return settle(journal, when, keys); });
    journal.remember(keys, when);
    if (done) journal.pending_is_settled();
    co_return done;
  }

  Result<void> begin(Facts) override {
    if (waiting_.empty()) since_ = this_second();
    TRY(draft_, MaildirDraft::begin(folder_));
    to_lf_ = {};
    crc_ = 0;
    return {};
  }

  Result<void> put(std::string_view bytes) override {
    text_.clear();
    to_lf_.put(text_, bytes);
    return write();
  }

  Result<void> end(std::string key, Facts facts) override {
    text_.clear();
    to_lf_.finish(text_);
    TRY_OK(write());
    TRY_OK(draft_->finish(facts.internal_date));
    auto name = draft_->name();
    name.set_field('S', draft_->size());
    name.set_field('W', draft_->size() + to_lf_.bare());
    if (!facts.flags.empty()) name.flags = mailfile::MaildirFlags(facts.flags);
    draft_->set_name(std::move(name));
    bytes_ += draft_->size();
    waiting_.push_back({.draft = *std::move(draft_), .crc = crc_, .key = std::move(key)});
    draft_.reset();
    return {};
  }

  void drop() override { draft_.reset(); }
  std::size_t waiting() const override { return waiting_.size(); }
  std::uint64_t waiting_bytes() const override { return bytes_; }
  std::unique_ptr<Batch> take() override {
    bytes_ = 0;
    return std::make_unique<MaildirFetchBatch>(folder_, std::exchange(waiting_, {}), since_, appeared_);
  }

  Task<Result<void>> finish(Journal& journal, WorkerPool& pool) override {
    co_return co_await pool.run([&]() -> Result<void> {
      TRY_OK(folder_.sync());
      TRY_OK(journal.append_stored(appeared_, this_second()));
      appeared_.clear();
      return journal.sync();
    });
  }

 private:
  Result<void> write() {
    crc_ = crypto::crc32c(text_, crc_);
    return draft_->put(text_);
  }

  Result<void> settle(Journal& journal, Seconds when, std::vector<std::string>& keys) {
    if (journal.pending().empty()) {
      folder_.clean_tmp(now());
      return {};
    }
    const auto boot = mailfile::boot_id();
    const auto tmp = inode_of_tmp(folder_);
    std::vector<std::string> nowhere;
    for (const auto& one : journal.pending()) {
      const auto where = parse_where(one.where);
      if (!where) return fail(Errc::corrupt, journal.path() + " is of another place than " + folder_.path());
      const bool certain =
          !boot.empty() && one.boot == boot && where->tmp == tmp && when - one.when < kNobodyCleans;
      TRY(const bool is_there, settle_one(*where, certain));
      (is_there ? keys : nowhere).push_back(one.key);
    }
    TRY_OK(folder_.sync());
    TRY_OK(journal.append_forgotten(nowhere, when));
    TRY_OK(journal.append_stored(keys, when));
    return journal.sync();
  }

  // Has it appeared, or does it now?
  Result<bool> settle_one(const Where& where, bool certain) {
    const auto left = folder_.path() + "/tmp/" + where.name.unique;
    auto file = mailfile::open_file(left, O_RDONLY | O_NOFOLLOW);
    if (!file && file.error().code != Errc::not_found) return std::unexpected(std::move(file).error());
    if (file) {
      TRY(const bool whole, is_whole(*file, where, left));
      if (!whole) {
        ::unlink(left.c_str());
        return false;
      }
      TRY_OK(mailfile::sync_file(file->fd(), left));
      TRY_OK(mailfile::deliver_left_over(folder_, where.name, Into::new_mail));
      return true;
    }
    if (certain) return true;
    auto found = folder_.find(where.name.unique);
    if (found || found.error().code == Errc::not_found) return found.has_value();
    return std::unexpected(std::move(found).error());
  }

  static Result<bool> is_whole(const mailfile::File& file, const Where& where, const std::string& path) {
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::vector<char> piece(64 * 1024);
    for (;;) {
      TRY(const auto n, mailfile::read_some(file.fd(), piece, path));
      if (n == 0) return size == where.size && crc == where.crc;
      size += n;
      crc = crypto::crc32c({piece.data(), n}, crc);
    }
  }

  MaildirFolder folder_;
  std::optional<MaildirDraft> draft_;
  mailfile::ToLf to_lf_;
  std::string text_;
  std::uint32_t crc_ = 0;
  std::vector<Waiting> waiting_;
  Seconds since_{};  // the first of them has been in tmp
  Appeared appeared_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_maildir_target(MaildirFolder folder) {
  return std::make_unique<MaildirTarget>(std::move(folder));
}

}  // namespace posthorn::fetch
