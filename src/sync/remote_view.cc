#include "sync/folder_state.h"

namespace posthorn::sync {
namespace {

constexpr std::size_t kMostMessages = 10'000'000;

Result<void> take_flags(FolderRun& run, const imap::FetchResponse& fetch) {
  if (!fetch.uid || !fetch.flags) return {};
  if (run.remote.flags.size() >= kMostMessages) return fail(Errc::limit, run.job.mailbox + " has more messages than a folder may have here");
  TRY(const auto letters, run.local.letters_of(*fetch.flags));
  run.remote.flags.insert_or_assign(*fetch.uid, letters);
  return {};
}

Task<Result<void>> fetch_all_flags(FolderRun& run) {
  Result<void> taken;
  const auto each = [&run, &taken](const imap::FetchResponse& fetch) {
    if (taken) taken = take_flags(run, fetch);
  };
  run.remote.complete = true;
  if (run.mailbox.messages == 0) co_return Result<void>{};
  CO_TRY_OK(co_await run.job.connection.fetch(client::every_uid(), {}, each));
  co_return taken;
}

// What was known, with what has been told since, are as many as there are.
bool adds_up(const FolderRun& run) {
  const auto& known = run.journal.state().messages;
  std::uint64_t count = known.size();
  for (const auto& [uid, flags] : run.remote.flags) count += !known.contains(uid);
  if (!run.remote.vanished.empty())
    for (const auto& [uid, message] : known) count -= run.remote.vanished.contains(uid);
  return count == run.mailbox.messages;
}

// A server that has gone back to an older state has other messages under the UIDs of newer ones.
bool has_gone_back(const FolderRun& run) {
  if (run.mailbox.uid_next == 0) return false;
  for (const auto& [uid, message] : run.journal.state().messages)
    if (uid >= run.mailbox.uid_next) return true;
  return false;
}

// The journal is about this mailbox, as it is numbered now.
Result<void> prepare_journal(FolderRun& run) {
  const auto& state = run.journal.state();
  const bool same = state.mailbox == run.job.mailbox && state.uid_validity == run.mailbox.uid_validity;
  // Two may have been swapped, or one deleted and another renamed to its name.
  const bool other = !run.job.mailbox_id.empty() && !run.mailbox.mailbox_id.empty() && run.job.mailbox_id != run.mailbox.mailbox_id;
  run.job.mailbox_id = run.mailbox.mailbox_id;
  if (same && !other && !has_gone_back(run)) return {};
  if (state.uid_validity != 0) run.job.report.notes.push_back(run.job.mailbox + ": the server has renumbered its messages; they are matched anew");
  return run.journal.begin(run.job.mailbox, run.mailbox.uid_validity);
}

// false: not all of them were told.
Task<Result<bool>> look_once(FolderRun& run) {
  const auto& state = run.journal.state();
  run.remote = {};
  if (!std::exchange(run.fresh, false)) {
    CO_TRY(run.mailbox, co_await select_there(run.job, state));
  }
  const auto since = state.mod_seq;
  CO_TRY_OK(prepare_journal(run));
  if (run.mailbox.resynced && state.mod_seq == since && run.mailbox.high_mod_seq >= since) {
    run.remote.complete = false;
    run.remote.vanished = run.mailbox.vanished;
    for (const auto& fetch : run.mailbox.changed) CO_TRY_OK(take_flags(run, fetch));
    // [RFC7162 3.2.5.2] What has vanished may have been told as changed before.
    std::erase_if(run.remote.flags, [&run](const auto& one) { return run.remote.vanished.contains(one.first); });
    if (adds_up(run)) co_return true;
    run.remote = {};
  }
  (void)run.job.connection.take_unsolicited();
  CO_TRY_OK(co_await fetch_all_flags(run));
  co_return run.remote.flags.size() + run.job.connection.take_unsolicited().count_gone() >= run.mailbox.messages;
}

}  // namespace

Task<Result<client::SelectedMailbox>> select_there(const FolderJob& job, const FolderState& state) {
  client::SelectWants wants;
  if (state.uid_validity != 0 && state.mod_seq != 0)
    // Not the UIDs that are known: of others, new ones, nothing would be told. [RFC7162 3.2.5.2]
    wants.known = {.uid_validity = state.uid_validity, .mod_seq = state.mod_seq, .uids = {}};
  co_return co_await job.connection.select(job.mailbox, wants);
}

// Somebody may have deleted the others just now; but what a server only forgets to tell must not be taken for deleted.
Task<Result<void>> look_there(FolderRun& run) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    CO_TRY(const bool all, co_await look_once(run));
    if (all) co_return Result<void>{};
  }
  co_return fail(Errc::busy, "the server tells of " + std::to_string(run.remote.flags.size()) + " of its " + std::to_string(run.mailbox.messages) +
                                 " messages only; nothing is changed");
}

}  // namespace posthorn::sync
