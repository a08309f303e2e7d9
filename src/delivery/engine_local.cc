// Recipients that are here: what is stored for them and what is settled are one commit.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "delivery/engine.h"
#include "delivery/local.h"

namespace posthorn::delivery {

using queue::State;

struct Engine::LocalAttempt {
  std::string to;
  Verdict verdict;
  std::vector<AccountId> accounts;
  std::optional<store::Incoming> incoming;  // for them
  std::optional<queue::NewEntry> onward;    // for those elsewhere
};

namespace {

bool is_waiting(const queue::Recipient& r) { return r.state == State::waiting; }

Verdict says(State state, smtp::EnhancedCode code, std::string text) {
  return {.state = state, .answer = {.code = 0, .enhanced = code, .text = std::move(text), .server = {}, .at = now()}};
}

Verdict unreadable(const Error& error) { return says(State::waiting, {4, 3, 0}, "the message cannot be read: " + error.text); }

// The mailbox did not take it, and may another time.
Verdict not_stored(const Error& error) {
  if (error.code == Errc::over_quota) return says(State::waiting, {4, 2, 2}, "the mailbox is full");
  if (error.code == Errc::no_space) return says(State::waiting, {4, 3, 1}, "there is no space for it here");
  return says(State::waiting, {4, 3, 0}, "the mailbox cannot be written: " + error.text);
}

}  // namespace

// Where it goes, and the bytes for there.
Task<> Engine::prepare_local(LocalAttempt& local, const queue::Work& work) {
  const auto& entry = work.entry();
  const auto& recipient = *std::ranges::find_if(work.recipients(), is_waiting);
  auto& blobs = parts_.store.blobs();
  auto found = co_await find_local(parts_.directory, parts_.store, parts_.forwarder, entry, recipient.forward_path);
  if (!found.verdict && !found.outside.empty()) {
    const bool several = found.outside.size() + found.accounts.size() > 1;
    auto copy = co_await copy_for_outside(blobs, work.blob(), entry, recipient, std::move(found.outside), several);
    if (copy) local.onward.emplace(*std::move(copy));
    else found.verdict = unreadable(copy.error());
    local.verdict = says(State::expanded, {2, 0, 0}, "goes on to others");
    local.verdict.passed_on = !several;  // the one it goes to is reported on
  } else {
    local.verdict = says(State::delivered, {2, 0, 0}, "into the mailbox");
  }
  if (!found.verdict && !found.accounts.empty()) {
    auto copy = co_await copy_for_mailbox(parts_.store, blobs, work.blob(), entry);
    if (copy) local.incoming.emplace(*std::move(copy));
    else found.verdict = unreadable(copy.error());
  }
  // With its Return-Path it may be too large by a few bytes.
  if (local.incoming && !found.verdict) found.verdict = co_await room_for(parts_.store, found.accounts, local.incoming->size());
  local.accounts = std::move(found.accounts);
  if (!found.verdict) co_return;
  local.verdict = *std::move(found.verdict);
  local.incoming.reset();
  local.onward.reset();
}

Task<queue::Settlement> Engine::settlement_of_local(LocalAttempt& local, const queue::Work& work) {
  const std::vector<Verdict> verdicts(work.recipients().size(), local.verdict);  // those who do not wait have none
  auto settlement = co_await settlement_of(work, verdicts);
  if (local.onward) settlement.messages.push_back(*std::exchange(local.onward, std::nullopt));
  co_return settlement;
}

void Engine::tell_local(const LocalAttempt& local, const Subject& subject, const std::vector<queue::Outcome>& outcomes) {
  Dialogue dialogue;
  dialogue.note("<" + local.to + ">: " + std::string(to_string(local.verdict.state)) + ": " + local.verdict.answer.text);
  log_results(subject, outcomes, "local");
  keep_trace(subject, dialogue);
}

// Into the mailboxes.  What it could not store comes back, with a verdict; nullopt: it is settled, or comes again by itself.
Task<std::optional<queue::Work>> Engine::store_local(LocalAttempt& local, queue::Work work) {
  const Subject subject(work);
  auto settlement = co_await settlement_of_local(local, work);
  const auto outcomes = settlement.outcomes;
  auto begun = co_await begin_settle(std::move(work), std::move(settlement));
  if (!begun) {
    log::warning("delivery.settle_failed", {{"message", subject.message}, {"error", begun.error()}});
    co_return std::nullopt;
  }
  auto rows = std::make_shared<kv::Batch>(begun->settling.take_rows());
  const store::InternalDate date{.seconds = std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count(), .zone_minutes = 0};
  std::vector<Group> groups{Group{.accounts = local.accounts}};
  Also also = [rows](const std::vector<Result<void>>&) -> Result<kv::Batch> { return std::move(*rows); };
  auto stored = co_await deliver_local(parts_.store, *std::exchange(local.incoming, std::nullopt), std::move(groups), date, std::move(also));
  if (!stored || !stored->front()) {
    const auto& error = stored ? stored->front().error() : stored.error();
    log::warning("delivery.mailbox_failed", {{"message", subject.message}, {"error", error}});
    // It may have happened after all, and must not happen again then.
    auto back = co_await parts_.queue.take_back(std::move(begun->settling));
    if (!back) log::warning("delivery.settle_failed", {{"message", subject.message}, {"error", back.error()}});
    if (!back) co_return std::nullopt;
    if (*back) {
      local.verdict = not_stored(error);
      co_return *std::move(back);
    }
  } else {
    co_await begun->settling.committed();
  }
  tell_local(local, subject, outcomes);
  for (auto& record : begun->records) parts_.trace.add(std::move(record));
  co_return std::nullopt;
}

Task<> Engine::serve_local(queue::Work first, Way way) {
  std::optional<queue::Work> work(std::move(first));
  LocalAttempt local{.to = std::move(way.domain), .verdict = {}, .accounts = {}, .incoming = {}, .onward = {}};
  co_await prepare_local(local, *work);
  if (local.incoming) work = co_await store_local(local, *std::exchange(work, std::nullopt));
  if (!work) co_return;
  auto settlement = co_await settlement_of_local(local, *work);
  tell_local(local, Subject(*work), settlement.outcomes);
  co_await settle(*std::exchange(work, std::nullopt), std::move(settlement));
}

}  // namespace posthorn::delivery
