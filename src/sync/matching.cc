#include <algorithm>

#include "sync/folder_state.h"

namespace posthorn::sync {
namespace {

// A file that should have been listed may be here all the same, and its message would come or go once more.
bool is_doubtful(const FolderRun& run) {
  if (!run.local.is_doubtful()) return false;
  const auto& state = run.journal.state();
  return (state.messages.empty() && run.local.size() > 0) ||
         std::ranges::any_of(state.downloads, [&run](const auto& one) { return !run.local.has(one.second.unique); }) ||
         std::ranges::any_of(state.uploads, [&run](const auto& unique) { return !run.local.has(unique); });
}

// Downloads whose files were delivered before the run that made them ended.
void settle_downloads(FolderRun& run) {
  const auto begun = run.journal.state().downloads;
  for (const auto& [uid, known] : begun) {
    if (run.journal.state().messages.contains(uid)) continue;
    if (run.local.has(known.unique)) run.journal.put_message(uid, known.flags, known.unique);
    else run.journal.put_gone(uid);
  }
  const auto uploads = run.journal.state().uploads;
  for (const auto& unique : uploads)
    if (!run.local.has(unique)) run.journal.put_no_upload(unique);
}

std::vector<std::string> unknown_here(const FolderRun& run, bool all) {
  std::vector<std::string> out;
  const auto& state = run.journal.state();
  if (all) {
    for (const auto& [unique, flags] : run.local.view())
      if (!state.by_unique.contains(unique)) out.push_back(unique);
  } else {
    for (const auto& unique : state.uploads)
      if (run.local.has(unique)) out.push_back(unique);
  }
  std::ranges::sort(out);
  return out;
}

imap::NumberSet unknown_there(const FolderRun& run) {
  std::vector<imap::NumberRange> out;
  for (const auto& [uid, flags] : run.remote.flags)
    if (!run.journal.state().messages.contains(uid)) out.push_back({uid, uid});
  return imap::NumberSet(std::move(out));
}

}  // namespace

Task<Result<There>> fingerprints_there(client::ImapConnection& connection, imap::NumberSet uids) {
  There out;
  client::FetchWants wants{.flags = true, .date = true, .size = true, .changed_since = {}, .header_fields = "MESSAGE-ID DATE"};
  const auto each = [&out](const imap::FetchResponse& fetch) {
    Fingerprint print;
    print.size = fetch.size.value_or(0);
    if (fetch.internal_date) print.time = fetch.internal_date->time.time_since_epoch().count();
    if (!fetch.sections.empty() && fetch.sections.back().text) read_header(print, *fetch.sections.back().text);
    out.uids.push_back(*fetch.uid);
    out.prints.push_back(std::move(print));
  };
  CO_TRY_OK(co_await connection.fetch(std::move(uids), wants, each));
  co_return out;
}

Task<Result<void>> match_unknown(FolderRun& run) {
  if (is_doubtful(run)) CO_TRY_OK(run.local.look_in_peace());
  if (is_doubtful(run)) co_return fail(Errc::busy, "the files here are being renamed all the time; nothing is changed");
  settle_downloads(run);
  const bool from_nothing = run.journal.state().messages.empty() && run.journal.state().uploads.empty();
  const auto here = unknown_here(run, from_nothing);
  const auto there_set = unknown_there(run);
  const auto& view = run.local.view();
  if (here.empty() || there_set.empty()) co_return Result<void>{};
  CO_TRY(const auto there, co_await fingerprints_there(run.job.connection, there_set));
  // Those of which nothing is told would be taken for new.
  if (there.uids.size() < there_set.size()) co_return fail(Errc::busy, "the server does not tell what some of its messages are; nothing is changed");
  std::vector<Fingerprint> prints;
  for (const auto& unique : here) {
    auto print = run.local.fingerprint(unique);
    prints.push_back(print ? *std::move(print) : Fingerprint{.message_id = {}, .date = {}, .size = 0, .time = -1});
  }
  for (const auto& [mine, theirs] : match(prints, there.prints, from_nothing ? Among::all : Among::just_sent)) {
    // What both have now counts as what both had: a flag that only one of them has was added there, and nothing is taken away.
    const auto flags = view.at(here[mine]) & run.remote.flags.at(there.uids[theirs]);
    run.journal.put_message(there.uids[theirs], flags, here[mine]);
    ++run.job.report.matched;
  }
  // All at once: of a part the rest would be new on both sides.
  if (from_nothing) co_return run.journal.replace();
  co_return run.journal.write();
}

}  // namespace posthorn::sync
