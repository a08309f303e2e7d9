#include <algorithm>

#include "message/lf_lines.h"
#include "sync/folder_state.h"

namespace posthorn::sync {
namespace {

using mailfile::MaildirBatch;
using mailfile::MaildirDraft;

constexpr std::size_t kBatch = 256;  // files that are synced together, each open until then

// Messages as they come, into files; every so many of them are made durable and shown.
class Downloader final : public client::MessageSink {
 public:
  explicit Downloader(FolderRun& run, std::uint64_t all) : run_(run), all_(all) {}

  Task<Result<void>> begin(const imap::FetchResponse&, std::uint64_t) override { co_return begin_draft(); }
  Task<Result<void>> write(std::string_view octets) override { co_return put(octets); }
  Task<Result<void>> end(const imap::FetchResponse& all) override {
    CO_TRY_OK(finish(all));
    if (arrived_.size() < kBatch) co_return Result<void>{};
    co_return deliver();
  }

  // What is left.  [docs/formats/sync.md] bytes in tmp, `p`, sync both, rename, sync the folder, `m`
  Result<void> deliver() {
    if (arrived_.empty()) return {};
    // Whatever becomes of them: nothing is tried twice.
    auto arrived = std::exchange(arrived_, {});
    MaildirBatch batch(run_.local.folder());
    for (auto& one : arrived) {
      auto name = one.draft.name();
      name.flags = one.flags;
      run_.journal.put_download(one.uid, one.flags, name.unique);
      one.draft.set_name(std::move(name));
      batch.add(std::move(one.draft), MaildirBatch::Into::new_mail);
    }
    TRY_OK(run_.journal.write());
    TRY_OK(batch.sync(run_.journal.fd()));
    std::vector<mailfile::MaildirEntry> delivered;
    TRY_OK(batch.deliver(delivered));
    TRY_OK(run_.local.folder().sync());
    for (std::size_t i = 0; i < delivered.size(); ++i) {
      run_.journal.put_message(arrived[i].uid, arrived[i].flags, delivered[i].name.unique);
      run_.local.add(std::move(delivered[i]));
    }
    auto& report = run_.job.report;
    report.downloaded += arrived.size();
    done_ += arrived.size();
    if (run_.job.options.progress) run_.job.options.progress(run_.job.mailbox, done_, all_);
    return run_.journal.write();
  }
  std::uint64_t done() const { return done_; }

 private:
  struct Arrived {
    std::uint32_t uid;
    MaildirFlags flags;
    MaildirDraft draft;
  };

  Result<void> begin_draft() {
    TRY(auto draft, MaildirDraft::begin(run_.local.folder()));
    draft_.emplace(std::move(draft));
    lines_ = {};
    return {};
  }

  Result<void> put(std::string_view octets) {
    text_.clear();
    lines_.feed(octets, text_);
    return draft_->put(text_);
  }

  Result<void> finish(const imap::FetchResponse& all) {
    text_.clear();
    lines_.finish(text_);
    TRY_OK(draft_->put(text_));
    std::optional<SysTime> date;
    if (all.internal_date) date = std::chrono::time_point_cast<SysTime::duration>(all.internal_date->time);
    TRY_OK(draft_->finish(date));
    TRY(const auto flags, run_.local.letters_of(all.flags.value_or(imap::FlagList())));
    arrived_.push_back({*all.uid, flags, *std::move(draft_)});
    draft_.reset();
    return {};
  }

  FolderRun& run_;
  std::uint64_t all_, done_ = 0;
  std::optional<MaildirDraft> draft_;
  message::LfLines lines_;
  std::string text_;
  std::vector<Arrived> arrived_;
};

}  // namespace

Task<Result<void>> download(FolderRun& run, std::vector<std::uint32_t> uids) {
  if (uids.empty()) co_return Result<void>{};
  std::vector<imap::NumberRange> ranges;
  for (const auto uid : uids) ranges.push_back({uid, uid});
  if (run.job.options.progress) run.job.options.progress(run.job.mailbox, 0, uids.size());
  Downloader sink(run, uids.size());
  auto fetched = co_await run.job.connection.fetch_messages(imap::NumberSet(std::move(ranges)), sink);
  // What has come whole is kept, whatever became of the rest.
  CO_TRY_OK(sink.deliver());
  CO_TRY_OK(std::move(fetched));
  if (sink.done() < uids.size()) run.problem("the server did not give " + std::to_string(uids.size() - sink.done()) + " of its messages");
  co_return Result<void>{};
}

}  // namespace posthorn::sync
