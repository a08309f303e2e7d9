#include "delivery/local.h"

#include <algorithm>
#include <optional>

#include "base/log.h"

namespace posthorn::delivery {
namespace {

// One account among all groups.
struct Destination {
  AccountId id;
  store::AccountPtr account;
  store::MailboxStatePtr inbox;
  Result<void> outcome;  // so far
  std::optional<Uid> stored;
};

Destination& find(std::vector<Destination>& destinations, AccountId id) {
  return *std::ranges::lower_bound(destinations, id, {}, &Destination::id);
}

std::vector<Destination> distinct_accounts(const std::vector<Group>& groups) {
  std::vector<AccountId> ids;
  for (const auto& group : groups) ids.insert(ids.end(), group.accounts.begin(), group.accounts.end());
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  std::vector<Destination> destinations(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) destinations[i].id = ids[i];
  return destinations;
}

// The first trouble of its accounts is the group's.
Result<void> outcome_of(const Group& group, std::vector<Destination>& destinations) {
  for (const auto id : group.accounts)
    if (const auto& d = find(destinations, id); !d.outcome) return d.outcome;
  return {};
}

// Opens the accounts and sees whether the message fits, so that what can be known to fail fails before the commit.
Task<Result<void>> prepare(store::MailStore& store, std::vector<Destination>& destinations, std::uint64_t size) {
  for (auto& d : destinations) {
    auto account = co_await store.account(d.id);
    if (!account && account.error().code != Errc::not_found) co_return std::unexpected(account.error());
    if (!account) {
      d.outcome = std::unexpected(account.error());
      continue;
    }
    d.account = *std::move(account);
    d.inbox = d.account->find_mailbox("INBOX");
    if (!d.inbox) d.outcome = fail(Errc::not_found, "the account has no INBOX");
    else if (!store::MailStore::fits(*d.account, size)) d.outcome = fail(Errc::over_quota, "the account's quota");
  }
  co_return Result<void>{};
}

// Takes back what was stored for a group that failed after all.
Task<> undo(Destination& d) {
  std::vector<Uid> uids{*d.stored};
  auto set = store::uid_set_of(uids);
  auto removed = co_await d.account->remove(d.inbox->id, std::move(set));
  d.stored.reset();
  // The sender will try again, and this account will have the message twice: better than not at all.
  if (!removed) log::error("delivery.undo_failed", {{"account", d.id}, {"error", removed.error()}});
}

}  // namespace

Task<Result<std::vector<Result<void>>>> deliver_local(store::MailStore& store, store::Incoming incoming,
                                                      std::vector<Group> groups, store::InternalDate date, Also also,
                                                      store::Beside* beside) {
  auto destinations = distinct_accounts(groups);
  CO_TRY_OK(co_await prepare(store, destinations, incoming.size()));

  std::vector<Result<void>> outcomes;
  std::vector<bool> wanted(destinations.size());  // by a group that has no trouble yet
  const auto index_of = [&](AccountId id) { return &find(destinations, id) - destinations.data(); };
  for (const auto& group : groups) {
    outcomes.push_back(outcome_of(group, destinations));
    if (outcomes.back())
      for (const auto id : group.accounts) wanted[index_of(id)] = true;
  }
  const auto is_good = [](const Result<void>& r) { return r.has_value(); };
  if (std::ranges::none_of(outcomes, is_good)) co_return outcomes;
  std::vector<store::Target> targets;
  std::vector<Destination*> target_of;
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    if (!wanted[i]) continue;
    target_of.push_back(&destinations[i]);
    targets.push_back(store::Target{.account = destinations[i].account,
                                    .mailbox = destinations[i].inbox->id,
                                    .internal_date = date});
  }

  // Somebody else's delivery may have taken the room since we looked: rare.
  bool all_stored = true, given_up = false;
  const auto before_commit = [&](const std::vector<Result<store::Appended>>& results) -> Result<kv::Batch> {
    for (std::size_t i = 0; i < results.size(); ++i) {
      all_stored &= results[i].has_value();
      if (!results[i]) target_of[i]->outcome = std::unexpected(results[i].error());
    }
    for (std::size_t g = 0; g < groups.size() && !all_stored; ++g)
      if (outcomes[g]) outcomes[g] = outcome_of(groups[g], destinations);
    given_up = std::ranges::none_of(outcomes, is_good);
    if (given_up) return fail(Errc::busy, "no recipient is left");
    return also ? also(outcomes) : kv::Batch{};
  };
  auto results = co_await store.append(std::move(incoming), std::move(targets), before_commit, beside);
  if (given_up) co_return outcomes;
  CO_TRY_OK(results);
  if (all_stored) co_return outcomes;

  for (std::size_t i = 0; i < results->size(); ++i)
    if ((*results)[i]) target_of[i]->stored = (*results)[i]->uid;
  wanted.assign(wanted.size(), false);
  for (std::size_t g = 0; g < groups.size(); ++g)
    if (outcomes[g])
      for (const auto id : groups[g].accounts) wanted[index_of(id)] = true;
  for (std::size_t i = 0; i < destinations.size(); ++i)
    if (destinations[i].stored && !wanted[i]) co_await undo(destinations[i]);
  co_return outcomes;
}

}  // namespace posthorn::delivery
