// FETCH and UID FETCH. [RFC3501 6.4.5, 6.4.8] [RFC7162 3.1.4]
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/imap/imap_settings.h"
#include "server/imap/message_fetcher.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kBatch = 128;  // summaries held at once

bool has_item(const Fetch& fetch, FetchItem item) {
  return std::ranges::any_of(fetch.attributes, [&](const auto& a) { return a.item == item; });
}

}  // namespace

struct Session::FetchJob {
  MessageFetcher fetcher;
  bool needs_summaries = false;
  bool sets_seen = false;
  std::vector<std::uint32_t> batch;  // indexes in `told`
  bool some_gone = false;
};

Task<Result<Reply>> Session::cmd_fetch(Command& command) {
  auto& fetch = std::get<Fetch>(command.command);
  // [RFC7162 3.1.4.1] CHANGEDSINCE adds MODSEQ; [RFC3501 6.4.8] UID FETCH adds UID.
  if (fetch.changed_since && !has_item(fetch, FetchItem::mod_seq)) fetch.attributes.push_back({.item = FetchItem::mod_seq});
  if (command.uid && !has_item(fetch, FetchItem::uid))
    fetch.attributes.insert(fetch.attributes.begin(), FetchAttribute{.item = FetchItem::uid});
  if (has_item(fetch, FetchItem::mod_seq)) enable_condstore();
  CO_TRY(const auto ranges, resolve(fetch.set, Numbers(command.uid), *selected_));

  FetchJob job{.fetcher = MessageFetcher(*selected_->account, connection(), fetch.attributes),
               .needs_summaries = std::ranges::any_of(fetch.attributes, needs_summary),
               .sets_seen = !selected_->read_only && std::ranges::any_of(fetch.attributes, sets_seen)};
  for (const auto& range : ranges) {
    for (auto index = range.from; index < range.to; ++index) {
      if (fetch.changed_since && selected_->told->at(index).mod_seq.value() <= *fetch.changed_since) continue;
      job.batch.push_back(index);
      if (job.batch.size() == kBatch) CO_TRY_OK(co_await fetch_batch(job));
    }
  }
  CO_TRY_OK(co_await fetch_batch(job));
  // [RFC5530] [RFC2180 4.1.3] What could be answered was; UIDs that nobody has are no error.
  if (job.some_gone && !command.uid) co_return no("Some of the messages no longer exist", "EXPUNGEISSUED");
  co_return ok("FETCH completed");
}

Task<Result<void>> Session::fetch_batch(FetchJob& job) {
  const auto batch = std::exchange(job.batch, {});
  if (batch.empty()) co_return Result<void>{};
  std::vector<Uid> changed;
  if (job.sets_seen) changed = co_await set_seen(batch);
  if (lost_) co_return fail(Errc::closed);

  const auto told = selected_->told;
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return fail(Errc::not_found);
  tell_new_keywords(*state);
  std::vector<std::string> summaries(batch.size());
  if (job.needs_summaries) {
    std::vector<MessageId> ids;
    for (const auto index : batch) ids.push_back(told->at(index).message);
    CO_TRY(summaries, co_await selected_->account->summaries(std::move(ids)));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& entry = told->at(batch[i]);
    MessageFetcher::Target target{.sequence_number = batch[i] + 1,
                                  .entry = entry,
                                  .summary = summaries[i],
                                  .recent = selected_->is_recent(entry.uid),
                                  .tell_flags = std::ranges::binary_search(changed, entry.uid),
                                  .state = state.get()};
    auto outcome = co_await job.fetcher.put(std::move(target), kTransferTimeout.get());
    if (job.fetcher.lost()) end(outcome ? Error{} : outcome.error());
    CO_TRY_OK(outcome);
    job.some_gone |= *outcome == MessageFetcher::Outcome::gone;
  }
  messages_fetched.add(static_cast<std::int64_t>(batch.size()));
  co_return Result<void>{};
}

// [RFC3501 6.4.5] \Seen is set as a side effect; one commit for the batch.  Returns whose FLAGS must be told in the FETCH response.
Task<std::vector<Uid>> Session::set_seen(const std::vector<std::uint32_t>& indexes) {
  std::vector<Uid> unseen;
  for (const auto index : indexes)
    if (const auto& entry = selected_->told->at(index); !(entry.flags & store::kSeen)) unseen.push_back(entry.uid);
  if (unseen.empty()) co_return unseen;
  const store::FlagsChange change{.op = store::FlagsOp::add, .system = store::kSeen, .keywords = {}};
  auto uids = store::uid_set_of(unseen);
  auto copy = change;
  auto result = co_await selected_->account->change_flags(selected_->id, std::move(uids), std::move(copy), {});
  if (!result) {
    // A full disk is no reason to keep mail from its reader.
    log::warning("imap.seen_failed", {{"session", context_.session_id}, {"error", result.error()}});
    co_return std::vector<Uid>{};
  }
  const OwnChange own{.touched = result->changed, .change = &change, .silent = true};
  auto told = co_await tell(result->view, Expunges::keep, WithUid::no, &own);
  if (!told) co_return std::vector<Uid>{};
  co_return std::move(result->changed);
}

}  // namespace posthorn::imap
