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

}  // namespace

Task<Result<void>> look_there(FolderRun& run) {
  const auto& state = run.journal.state();
  run.remote = {};
  client::SelectWants wants;
  if (state.uid_validity != 0 && state.mod_seq != 0)
    // Not the UIDs that are known: of others, new ones, nothing would be told. [RFC7162 3.2.5.2]
    wants.known = {.uid_validity = state.uid_validity, .mod_seq = state.mod_seq, .uids = {}};
  CO_TRY(run.mailbox, co_await run.job.connection.select(run.job.mailbox, wants));
  if (run.mailbox.uid_validity != state.uid_validity || state.mailbox != run.job.mailbox) {
    if (run.mailbox.uid_validity != state.uid_validity) {
      if (state.uid_validity != 0) run.job.report.notes.push_back(run.job.mailbox + ": the server has renumbered its messages; they are matched anew");
      CO_TRY_OK(run.journal.begin(run.job.mailbox, run.mailbox.uid_validity));
    } else {
      CO_TRY_OK(run.journal.rename(run.job.mailbox));
    }
  }
  if (!run.mailbox.resynced) co_return co_await fetch_all_flags(run);
  run.remote.complete = false;
  run.remote.vanished = run.mailbox.vanished;
  for (const auto& fetch : run.mailbox.changed) CO_TRY_OK(take_flags(run, fetch));
  // [RFC7162 3.2.5.2] What has vanished may have been told as changed before.
  std::erase_if(run.remote.flags, [&run](const auto& one) { return run.remote.vanished.contains(one.first); });
  co_return Result<void>{};
}

}  // namespace posthorn::sync
