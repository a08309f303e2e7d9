#include "sync/downloads.h"

namespace posthorn::sync {
namespace {

using mailfile::MaildirBatch;
using mailfile::MaildirDraft;

constexpr std::size_t kBatch = 200;  // files that are synced together, each open until then

// [docs/formats/sync.md] bytes in tmp and `p` are written; sync both, rename, sync the folder.  On a thread of the pool.
Result<void> deliver(MaildirBatch& files, int journal, const mailfile::MaildirFolder& folder, std::vector<mailfile::MaildirEntry>& delivered) {
  TRY_OK(files.sync(journal));
  TRY_OK(files.deliver(delivered));
  return folder.sync();
}

}  // namespace

Downloads::~Downloads() { CHECK(!batch_); }

Task<Result<void>> Downloads::begin(const imap::FetchResponse&, std::uint64_t) { co_return begin_draft(); }

Task<Result<void>> Downloads::write(std::string_view octets) { co_return put(octets); }

Task<Result<void>> Downloads::end(const imap::FetchResponse& all) {
  CO_TRY_OK(end_draft(all));
  if (arrived_.size() < kBatch) co_return Result<void>{};
  CO_TRY_OK(co_await await_batch());
  co_return hand_over();
}

Result<void> Downloads::begin_draft() {
  TRY(auto draft, MaildirDraft::begin(run_.local.folder()));
  draft_.emplace(std::move(draft));
  lines_ = {};
  return {};
}

Result<void> Downloads::put(std::string_view octets) {
  text_.clear();
  lines_.feed(octets, text_);
  return draft_->put(text_);
}

Result<void> Downloads::end_draft(const imap::FetchResponse& all) {
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

Result<void> Downloads::hand_over() {
  auto batch = std::make_unique<Batch>(MaildirBatch(run_.local.folder()));
  // Whatever becomes of them: nothing is tried twice.
  auto arrived = std::exchange(arrived_, {});
  for (auto& one : arrived) {
    auto name = one.draft.name();
    name.flags = one.flags;
    run_.journal.put_download(one.uid, one.flags, name.unique);
    one.draft.set_name(std::move(name));
    batch->files.add(std::move(one.draft), MaildirBatch::Into::new_mail);
    batch->messages.emplace_back(one.uid, one.flags);
  }
  TRY_OK(run_.journal.write());
  batch_ = std::move(batch);
  run_.job.pool.submit([b = batch_.get(), journal = run_.journal.fd(), &folder = run_.local.folder()] {
    b->result = deliver(b->files, journal, folder, b->delivered);
    b->done.set();
  });
  return {};
}

Task<Result<void>> Downloads::await_batch() {
  if (!batch_) co_return Result<void>{};
  co_await batch_->done.wait();
  const auto batch = std::move(batch_);
  CO_TRY_OK(std::move(batch->result));
  for (std::size_t i = 0; i < batch->delivered.size(); ++i) {
    const auto& [uid, flags] = batch->messages[i];
    run_.journal.put_message(uid, flags, batch->delivered[i].name.unique);
    run_.local.add(std::move(batch->delivered[i]));
  }
  run_.job.report.downloaded += batch->messages.size();
  done_ += batch->messages.size();
  if (run_.job.options.progress) run_.job.options.progress(run_.job.mailbox, done_, all_);
  co_return run_.journal.write();
}

Task<Result<void>> Downloads::fetch(std::vector<std::uint32_t> uids) {
  if (uids.empty()) co_return Result<void>{};
  all_ = uids.size();
  std::vector<imap::NumberRange> ranges;
  for (const auto uid : uids) ranges.push_back({uid, uid});
  if (run_.job.options.progress) run_.job.options.progress(run_.job.mailbox, 0, all_);
  auto fetched = co_await run_.job.connection.fetch_messages(imap::NumberSet(std::move(ranges)), *this);
  answered_ = fetched.has_value();
  CO_TRY_OK(co_await await_batch());
  if (!arrived_.empty()) CO_TRY_OK(hand_over());
  co_return fetched;
}

Task<Result<void>> Downloads::finish() {
  CO_TRY_OK(co_await await_batch());
  if (answered_ && done_ < all_) run_.problem("the server did not give " + std::to_string(all_ - done_) + " of its messages");
  co_return Result<void>{};
}

}  // namespace posthorn::sync
