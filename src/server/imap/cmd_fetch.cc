// FETCH and UID FETCH. [RFC3501 6.4.5, 6.4.8] [RFC7162 3.1.4]
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/imap/fetch_reader.h"
#include "server/imap/imap_settings.h"
#include "server/imap/message_fetcher.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

bool has_item(const Fetch& fetch, FetchItem item) {
  return std::ranges::any_of(fetch.attributes, [&](const auto& a) { return a.item == item; });
}

// [RFC9394 3.3] The messages at these places among those of the set.
IndexRanges part_of(const IndexRanges& all, const ResultRange& wanted) {
  const std::uint64_t total = count(all);
  std::uint64_t from = wanted.first - 1, to = std::min<std::uint64_t>(wanted.last, total);
  if (from >= to) return {};
  if (wanted.from_end) std::tie(from, to) = std::pair(total - to, total - from);
  IndexRanges part;
  std::uint64_t at = 0;  // place of range.from
  for (const auto& range : all) {
    const std::uint64_t size = range.to - range.from;
    const auto begin = std::clamp(from, at, at + size), end = std::clamp(to, at, at + size);
    if (begin < end)
      part.push_back({range.from + static_cast<std::uint32_t>(begin - at), range.from + static_cast<std::uint32_t>(end - at)});
    at += size;
  }
  return part;
}

// [RFC7162 3.1.4.1]
IndexRanges changed_since(const IndexRanges& all, std::uint64_t mod_seq, const store::View& told) {
  IndexRanges changed;
  for (const auto& range : all) {
    told.for_each(range.from, range.to, [&](std::uint32_t index, const store::Entry& entry) {
      if (entry.mod_seq.value() <= mod_seq) return;
      if (!changed.empty() && changed.back().to == index) ++changed.back().to;
      else changed.push_back({index, index + 1});
    });
  }
  return changed;
}

}  // namespace

struct Session::FetchJob {
  FetchReader reader;
  MessageFetcher fetcher;
  bool sets_seen = false;
  bool some_gone = false;
  bool some_undecodable = false;
};

Task<Result<Reply>> Session::cmd_fetch(Command& command) {
  auto& fetch = std::get<Fetch>(command.command);
  // [RFC7162 3.1.4.1] CHANGEDSINCE adds MODSEQ; [RFC3501 6.4.8] UID FETCH adds UID.
  if (fetch.changed_since && !has_item(fetch, FetchItem::mod_seq)) fetch.attributes.push_back({.item = FetchItem::mod_seq});
  if (command.uid && !has_item(fetch, FetchItem::uid))
    fetch.attributes.insert(fetch.attributes.begin(), FetchAttribute{.item = FetchItem::uid});
  if (has_item(fetch, FetchItem::mod_seq)) enable_condstore();
  // [RFC7162 3.2.6] The parser has seen to it that it is UID FETCH with CHANGEDSINCE.
  if (fetch.vanished && !qresync_) co_return bad("Say ENABLE QRESYNC first");
  CO_TRY(auto ranges, resolve(fetch.set, Numbers(command.uid), *selected_));
  if (fetch.vanished) CO_TRY_OK(co_await tell_vanished_earlier(known_uids(fetch.set), ModSeq(*fetch.changed_since)));
  if (fetch.partial) ranges = part_of(ranges, *fetch.partial);
  if (fetch.changed_since) ranges = changed_since(ranges, *fetch.changed_since, *selected_->told);

  FetchJob job{.reader{selected_->account, selected_->id, selected_->told, std::move(ranges), needs_of(fetch.attributes)},
               .fetcher{*selected_->account, connection(), fetch.attributes, Revision(rev2_)},
               .sets_seen = std::ranges::any_of(fetch.attributes, sets_seen)};
  auto done = co_await fetch_all(job);
  co_await job.reader.close();
  CO_TRY_OK(done);
  if (job.some_undecodable) co_return no("A part has an encoding that is not known here", "UNKNOWN-CTE");  // [RFC3516 4.3]
  // [RFC5530] [RFC2180 4.1.3] What could be answered was; UIDs that nobody has are no error.
  if (job.some_gone && !command.uid) co_return no("Some of the messages no longer exist", "EXPUNGEISSUED");
  co_return ok("FETCH completed");
}

Task<Result<void>> Session::fetch_all(FetchJob& job) {
  for (;;) {
    CO_TRY(const auto batch, co_await job.reader.next());
    if (batch.rows.empty()) co_return Result<void>{};
    CO_TRY_OK(co_await fetch_batch(job, batch));
  }
}

Task<Result<void>> Session::fetch_batch(FetchJob& job, const FetchBatch& batch) {
  auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return fail(Errc::not_found);
  // [RFC4314 4] An answer may take long: his rights are those of now.
  if (!refresh_rights(*state)) co_return fail(Errc::denied);
  std::vector<Uid> changed;
  if (job.sets_seen && selected_->changeable().contains(store::kKeepSeen)) changed = co_await set_seen(batch);
  if (lost_) co_return fail(Errc::closed);

  const auto told = selected_->told;
  state = selected_->account->mailbox(selected_->id);
  if (!state) co_return fail(Errc::not_found);
  tell_new_keywords(*state);
  for (const auto& row : batch.rows) {
    const auto& entry = told->at(row.index);
    const MessageFetcher::Target target{.sequence_number = row.index + 1,
                                        .entry = entry,
                                        .row = row,
                                        .recent = selected_->is_recent(entry.uid),
                                        .tell_flags = !changed.empty() && std::ranges::binary_search(changed, entry.uid),
                                        .state = *state};
    if (!job.fetcher.put_now(target)) {
      auto outcome = co_await job.fetcher.put(target, kTransferTimeout.get());
      if (job.fetcher.lost()) end(outcome ? Error{} : outcome.error());
      CO_TRY_OK(outcome);
      job.some_gone |= *outcome == MessageFetcher::Outcome::gone;
      job.some_undecodable |= *outcome == MessageFetcher::Outcome::undecodable;
    }
    if (output().size() >= net::Connection::kLargeOutput) CO_TRY_OK(co_await flush());
  }
  messages_fetched.add(static_cast<std::int64_t>(batch.rows.size()));
  co_return Result<void>{};
}

// [RFC3501 6.4.5] \Seen is set as a side effect; one commit for the batch.  Returns whose FLAGS must be told in the FETCH response.
Task<std::vector<Uid>> Session::set_seen(const FetchBatch& batch) {
  std::vector<Uid> unseen;
  for (const auto& row : batch.rows)
    if (const auto& entry = selected_->told->at(row.index); !(entry.flags & store::kSeen)) unseen.push_back(entry.uid);
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
