#include <algorithm>

#include "sync/folder_state.h"

namespace posthorn::sync {
namespace {

constexpr std::size_t kBatch = 200;  // messages that are written down together before they are sent
// That are sent with one command.  They show all at once: after a crash who looks for them must not have to wait long (Latecomers).
constexpr std::size_t kTogether = 50;
constexpr std::uint64_t kOctetsTogether = 128 * 1024;
constexpr std::size_t kFewest = 8;  // for fewer of many it is quicker to send them without waiting for each answer

using Results = std::vector<Result<client::AppendedMessage>>;

// What became of one; an error ends the run.
Result<void> take_result(FolderRun& run, const std::string& unique, MaildirFlags flags, const Result<client::AppendedMessage>& result) {
  if (!result) {
    // It was refused: nothing of it is there.
    run.journal.put_no_upload(unique);
    run.problem(unique + " cannot be stored there: " + result.error().text);
    return {};
  }
  ++run.job.report.uploaded;
  // Without a UID what was sent is looked for among what is new there.
  if (result->uid == 0) {
    run.journal.put_taken(unique);
    return {};
  }
  if (result->uid_validity != run.mailbox.uid_validity) return fail(Errc::syntax, run.job.mailbox + ": the server has renumbered its messages meanwhile");
  if (run.journal.state().messages.contains(result->uid))
    return fail(Errc::syntax, run.job.mailbox + ": the server gave the UID " + std::to_string(result->uid) + " to two messages");
  run.journal.put_message(result->uid, flags, unique);
  return {};
}

// As many of the first ones as go with one command, so that a server that waits for its disk does so once [RFC3502]; 1: they go one by one.
std::size_t how_many_together(const FolderRun& run, std::span<const client::MessageToAppend> messages) {
  const auto& c = run.job.connection;
  if (run.one_by_one || !c.has("MULTIAPPEND") || !c.has("LITERAL+")) return 1;
  std::uint64_t size = 0;
  std::size_t count = 0;
  for (const auto& one : messages) {
    if (one.size == 0) return 1;  // it would take back all of them [RFC3502 6.3.11]
    if ((size += one.size) > kOctetsTogether) break;
    ++count;
  }
  return count == messages.size() || count >= kFewest ? std::max<std::size_t>(count, 1) : 1;
}

Task<Result<void>> send_together(FolderRun& run, std::span<client::MessageToAppend> messages, Results& results) {
  std::vector<client::AppendedMessage> told;
  auto done = co_await run.job.connection.append_all(run.job.mailbox, messages, &told);
  if (!done && !run.job.connection.is_usable()) co_return done;
  // Which one was refused is not told: the next pass looks whether something of them is there, and sends them one by one.
  if (!done) run.one_by_one = run.again = true;
  else if (told.empty()) results.insert(results.end(), messages.size(), client::AppendedMessage{});
  else results.insert(results.end(), told.begin(), told.end());
  co_return Result<void>{};
}

// One result for each message of which the fate is known: for the first ones, that is.
Task<Result<void>> send(FolderRun& run, std::span<client::MessageToAppend> messages, Results& results) {
  for (std::size_t at = 0; at < messages.size() && results.size() == at;) {
    const auto next = messages.subspan(at, std::min(kTogether, messages.size() - at));
    const auto together = how_many_together(run, next);
    at += together > 1 ? together : next.size();
    CO_TRY_OK(co_await (together > 1 ? send_together(run, next.first(together), results) : run.job.connection.append(run.job.mailbox, next, results)));
  }
  co_return Result<void>{};
}

// true: there is no room there for more.
Task<Result<bool>> upload_batch(FolderRun& run, std::span<const std::string> uniques) {
  std::vector<client::MessageToAppend> messages;
  std::vector<std::string> sent;
  std::vector<MaildirFlags> flags;  // that go there; who changes one meanwhile has changed it since
  for (const auto& unique : uniques) {
    if (!run.local.has(unique)) continue;
    auto message = run.local.to_append(unique);
    if (!message && message.error().code == Errc::not_found) continue;
    if (!message) {
      run.problem(message.error().text);
      continue;
    }
    messages.push_back(*std::move(message));
    sent.push_back(unique);
    flags.push_back(run.local.view().at(unique));
  }
  // [docs/formats/sync.md] `u`, sync, APPEND, `m`
  for (const auto& unique : sent) run.journal.put_upload(unique);
  CO_TRY_OK(run.journal.sync());
  Results results;
  auto appended = co_await send(run, messages, results);
  for (std::size_t i = 0; i < results.size(); ++i) CO_TRY_OK(take_result(run, sent[i], flags[i], results[i]));
  CO_TRY_OK(run.journal.write());
  CO_TRY_OK(std::move(appended));
  co_return std::ranges::any_of(results, [](const auto& one) { return !one && one.error().code == Errc::over_quota; });
}

}  // namespace

Task<Result<void>> upload(FolderRun& run, std::vector<std::string> uniques) {
  for (std::size_t at = 0; at < uniques.size(); at += kBatch) {
    if (run.job.options.progress) run.job.options.progress(run.job.mailbox, at, uniques.size());
    const std::span<const std::string> all(uniques);
    CO_TRY(const bool full, co_await upload_batch(run, all.subspan(at, std::min(kBatch, uniques.size() - at))));
    if (!full) continue;
    if (at + kBatch < uniques.size()) run.problem(std::to_string(uniques.size() - at - kBatch) + " further messages are not sent: there is no room there");
    break;
  }
  co_return Result<void>{};
}

}  // namespace posthorn::sync
