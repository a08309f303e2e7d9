// Messages coming in: one for many accounts, many for one mailbox; one commit either way.
#include <algorithm>

#include "base/metrics.h"
#include "store/mail_store.h"
#include "store/threads.h"

namespace posthorn::store {
namespace {

using kv::Space;

inline Counter messages_stored{"store.messages_stored", "Messages committed since the start (one for each mailbox)."};

}  // namespace

// A message that has come in and is not stored yet.  What was written ahead of it goes when it is dropped before settle().
class MailStore::Ready {
 public:
  enum class For : std::uint8_t { mailboxes, others };  // others need no summary
  Ready(MailStore& store, Incoming incoming, For whom = For::mailboxes) : store_(&store), sealed_(std::move(incoming.draft_).seal()) {
    if (whom == For::others) return;
    incoming.conclude();
    summary_ = *std::move(incoming.summary_);
    thread_keys_ = std::move(incoming.thread_keys_);
  }
  Ready(Ready&& other) noexcept
      : store_(std::exchange(other.store_, nullptr)), sealed_(std::move(other.sealed_)), summary_(std::move(other.summary_)),
        thread_keys_(std::move(other.thread_keys_)) {}
  Ready& operator=(Ready&&) = delete;
  ~Ready() {
    if (store_ && sealed_.written_ahead) store_->remove_later({{sealed_.id, sealed_.size}});
  }

  MessageId id() const { return sealed_.id; }
  std::uint64_t size() const { return sealed_.size; }
  const std::vector<std::string>& thread_keys() const { return thread_keys_; }
  kv::Batch take_bytes() { return std::move(sealed_.batch); }
  Result<void> check_size() const {
    if (sealed_.size > 0xFFFFFFFF) return fail(Errc::too_large, "a message has at most 4 GiB");
    return {};
  }
  Result<Entry> entry(MailboxState& mailbox, std::uint8_t flags, const std::vector<std::string>& keywords, InternalDate date) const {
    Entry entry;
    TRY(entry.keywords, keyword_bits(mailbox, keywords, OnUnknownKeyword::add));
    entry.flags = flags & kAllSystemFlags;
    entry.internal_date = date;
    entry.size = static_cast<std::uint32_t>(sealed_.size);
    entry.message = sealed_.id;
    return entry;
  }
  // Its rows in the account of the change.
  void put(Change& change, Threads& threads, std::uint64_t entries) const {
    const AccountId account = change.account().id();
    change.batch().put(Space::message, account.value(), message_key(sealed_.id),
                       encode_message(threads.assign(sealed_.id, thread_keys_), summary_));
    blob::Blobs::put_link(change.batch(), sealed_.id, account);
    if (entries < 2) return;
    change.batch().put(Space::message_refs, account.value(), message_key(sealed_.id), encode_refs(entries));
    change.core().has_copies = true;
  }
  // After the commit.  no_space: nothing of it was written.  Another error: who knows; the next start sweeps what has no link.
  void settle(const Result<void>& outcome) {
    if (outcome || outcome.error().code != Errc::no_space) store_ = nullptr;
  }

 private:
  MailStore* store_;
  blob::Sealed sealed_;
  std::string summary_;
  std::vector<std::string> thread_keys_;
};

Task<Result<std::vector<Result<Appended>>>> MailStore::append(Incoming incoming, std::vector<Target> targets, Also also, Beside* beside) {
  Ready message(*this, std::move(incoming), targets.empty() ? Ready::For::others : Ready::For::mailboxes);
  CO_TRY_OK(message.check_size());
  std::optional<Ready> second;
  if (beside) {
    second.emplace(*this, std::move(beside->message.incoming));
    CO_TRY_OK(second->check_size());
  }
  // Behind the targets stands the one of `beside`.
  const auto account_of = [&](std::size_t i) -> const AccountPtr& { return i < targets.size() ? targets[i].account : beside->account; };
  std::vector<std::size_t> order(targets.size() + (beside ? 1 : 0));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return std::pair(account_of(a)->id(), a) < std::pair(account_of(b)->id(), b); });

  // One target, in the change of its account.
  auto append_to = [](Change& change, const Ready& ready, MailboxId id, const auto& how) -> Result<Appended> {
    MailboxState* mailbox = change.edit(id);
    if (!mailbox) return fail(Errc::not_found, "the mailbox has been deleted");
    TRY_OK(check_room(change.core().quota, ready.size(), 1));
    TRY_OK(check_uids(*mailbox, 1));
    TRY(auto entry, ready.entry(*mailbox, how.flags, how.keywords, how.internal_date));
    const Uid uid = add_entry(change, id, std::move(entry));
    return Appended{mailbox->uid_validity, uid, change.mod_seq()};
  };

  std::vector<Result<Appended>> results(targets.size(), fail(Errc::not_found));
  std::vector<Change> changes;  // one an account, locked in ascending order
  std::size_t stored = 0;
  for (std::size_t i = 0; i < order.size();) {
    const AccountPtr& account = account_of(order[i]);
    std::size_t end = i;
    while (end < order.size() && account_of(order[end]) == account) ++end;
    auto change = co_await Change::begin(account);
    std::uint64_t entries = 0;
    bool has_second = false;
    for (; i < end; ++i) {
      has_second = order[i] == targets.size();
      if (has_second) {
        if (!change) co_return std::unexpected(std::move(change).error());
        CO_TRY(beside->stored, append_to(*change, *second, beside->mailbox, beside->message));
        continue;
      }
      const auto& target = targets[order[i]];
      auto& result = results[order[i]];
      result = change ? append_to(*change, message, target.mailbox, target) : Result<Appended>(std::unexpected(change.error()));
      entries += result.has_value();
    }
    if (!entries && !has_second) continue;
    Threads threads(*change);
    auto keys = entries ? message.thread_keys() : std::vector<std::string>();
    if (has_second) keys.insert(keys.end(), second->thread_keys().begin(), second->thread_keys().end());
    CO_TRY_OK(co_await threads.look_up(std::move(keys)));
    if (entries) message.put(*change, threads, entries);
    if (has_second) second->put(*change, threads, 1);
    stored += entries + (has_second ? 1 : 0);
    changes.push_back(*std::move(change));
  }
  kv::Batch more;
  if (also) {
    CO_TRY(more, also(results));
  }
  if (!stored && more.empty()) co_return results;
  kv::Batch batch = message.take_bytes();
  if (second) batch.append(second->take_bytes());
  batch.append(std::move(more));
  for (Change& change : changes) batch.append(change.take_batch());
  auto outcome = co_await kv_.commit(std::move(batch));
  for (Change& change : changes) change.finish(outcome);
  message.settle(outcome);
  if (second) second->settle(outcome);
  CO_TRY_OK(std::move(outcome));
  messages_stored.add(static_cast<std::int64_t>(stored));
  co_return results;
}

Task<Result<AppendedAll>> MailStore::append_all(AccountPtr account, MailboxId id, std::vector<NewMessage> messages,
                                                std::optional<Replaced> replaced) {
  std::vector<Ready> ready;
  ready.reserve(messages.size());
  std::vector<std::string> keys;
  std::uint64_t bytes = 0;
  for (NewMessage& m : messages) {
    const Ready& r = ready.emplace_back(*this, std::move(m.incoming));
    CO_TRY_OK(r.check_size());
    keys.insert(keys.end(), r.thread_keys().begin(), r.thread_keys().end());
    bytes += r.size();
  }
  std::optional<Change> target, source;  // the latter when something is replaced in another account
  if (replaced && replaced->account && replaced->account != account) {
    CO_TRY(auto both, co_await begin_both(replaced->account, std::move(account)));
    source.emplace(std::move(both.source));
    target.emplace(std::move(both.target));
  } else {
    CO_TRY(auto only, co_await Change::begin(std::move(account)));
    target.emplace(std::move(only));
  }
  Change& change = *target;
  if (!change.edit(id)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  const Quota before = change.core().quota;
  std::uint64_t freed_bytes = 0, freed_messages = 0;
  if (replaced) {
    Change& at = source ? *source : change;
    CO_TRY(const auto old, co_await take_entries(at, replaced->mailbox, {{replaced->uid, replaced->uid}}));
    if (old.empty()) co_return fail(Errc::not_found, "the message to be replaced has gone");
    CO_TRY_OK(co_await release_messages(at, old));
    if (!source) freed_bytes = old.front().size, freed_messages = 1;
  }
  if (!before.has_room(bytes, ready.size(), freed_bytes, freed_messages)) co_return fail(Errc::over_quota, "the account is over its quota");
  CO_TRY_OK(check_uids(*change.edit(id), ready.size()));
  std::vector<Uid> wanted;
  wanted.reserve(messages.size());
  for (const NewMessage& m : messages) {
    if (m.uid != Uid(0) && m.uid_validity != change.edit(id)->uid_validity)
      co_return fail(Errc::invalid, "the mailbox has another UIDVALIDITY than the message");
    wanted.push_back(m.uid);
  }
  CO_TRY_OK(check_wanted(*change.edit(id), wanted));
  Threads threads(change);
  CO_TRY_OK(co_await threads.look_up(std::move(keys)));
  kv::Batch batch;
  std::vector<Entry> entries;
  entries.reserve(ready.size());
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const NewMessage& m = messages[i];
    CO_TRY(auto entry, ready[i].entry(*change.edit(id), m.flags, m.keywords, m.internal_date));
    entries.push_back(std::move(entry));
    ready[i].put(change, threads, 1);
    batch.append(ready[i].take_bytes());
  }
  AppendedAll result{change.edit(id)->uid_validity, add_entries(change, id, std::move(entries), wanted), change.mod_seq()};
  batch.append(change.take_batch());
  if (source) batch.append(source->take_batch());
  auto outcome = co_await kv_.commit(std::move(batch));
  change.finish(outcome);
  if (source) source->finish(outcome);
  for (Ready& r : ready) r.settle(outcome);
  CO_TRY_OK(std::move(outcome));
  messages_stored.add(static_cast<std::int64_t>(ready.size()));
  co_return result;
}

}  // namespace posthorn::store
