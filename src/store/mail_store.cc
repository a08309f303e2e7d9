#include "store/mail_store.h"

#include <algorithm>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/account_rows.h"
#include "store/change.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "posthorn store 1";

inline Counter messages_stored{"store.messages_stored", "Messages committed since the start (one for each mailbox)."};

}  // namespace

// The thread of work that nobody waits for.
struct MailStore::Background {
  ReactorPool reactors{1};
  TaskGroup tasks;
  std::mutex mutex;
  std::unordered_map<AccountId, std::vector<MailboxId>> folding;  // under way or waiting
  bool closed = false;
};

Task<Result<void>> Incoming::write(std::string_view bytes) {
  parser_.feed(bytes);
  return draft_.write(bytes);
}

MailStore::MailStore(kv::Store& kv, blob::Blobs& blobs, WorkerPool& workers, Options options)
    : kv_(kv), blobs_(blobs), workers_(workers), options_(options), background_(std::make_unique<Background>()) {
  background_->reactors.start();
  blobs_.on_abandoned([this](blob::Blobs::Unlinked blob) { remove_later({blob}); });
}

MailStore::~MailStore() { close(); }

Task<Result<void>> MailStore::open() {
  CO_TRY(auto format, co_await kv_.get(Space::meta, 0, std::string(kFormatKey)));
  if (!format) {
    kv::Batch batch;
    batch.put(Space::meta, 0, std::string(kFormatKey), std::string(kFormat));
    co_return co_await kv_.commit(std::move(batch));
  }
  if (*format != kFormat)
    co_return fail(Errc::unsupported, "the data were written by another version of Posthorn: " + *format);
  co_return Result<void>{};
}

void MailStore::close() {
  {
    std::lock_guard hold(background_->mutex);
    if (std::exchange(background_->closed, true)) return;
  }
  run_task(background_->tasks.join());
  background_->reactors.stop();
}

Task<Result<AccountPtr>> MailStore::account(AccountId id) {
  {
    std::lock_guard hold(mutex_);
    if (auto it = accounts_.find(id); it != accounts_.end()) co_return it->second;
  }
  auto account = std::shared_ptr<Account>(new Account(*this, id));
  CO_TRY(auto lock, co_await kv_.lock_partition(id.value()));  // nobody changes it while it is read
  {
    std::lock_guard hold(mutex_);
    if (auto it = accounts_.find(id); it != accounts_.end()) co_return it->second;
  }
  CO_TRY_OK(co_await account->load());
  std::lock_guard hold(mutex_);
  accounts_[id] = account;
  trim_caches();
  co_return account;
}

// REQUIRES: mutex_ is held.  What nobody uses goes first come, first gone, a tenth at a time.
void MailStore::trim_caches() {
  if (accounts_.size() > options_.max_accounts_cached) {
    std::size_t wanted = accounts_.size() / 10 + 1;
    for (auto it = accounts_.begin(); it != accounts_.end() && wanted > 0;) {
      if (it->second.use_count() == 1) {
        it = accounts_.erase(it);
        --wanted;
      } else {
        ++it;
      }
    }
  }
  if (loaded_view_bytes_ < options_.view_cache_bytes) return;
  std::size_t kept = 0;
  for (auto& [id, account] : accounts_) {
    std::lock_guard hold(account->mutex_);
    for (auto view = account->views_.begin(); view != account->views_.end();) {
      if (view->second.use_count() == 1) {
        view = account->views_.erase(view);
      } else {
        kept += view->second->memory_bytes();
        ++view;
      }
    }
  }
  loaded_view_bytes_ = kept;
}

void MailStore::view_loaded(std::size_t bytes) {
  std::lock_guard hold(mutex_);
  loaded_view_bytes_ += bytes;
  trim_caches();
}

void MailStore::remove_later(std::vector<blob::Blobs::Unlinked> blobs) {
  std::lock_guard hold(background_->mutex);
  if (background_->closed) return;  // store check calls them orphans; their next removal sweeps them
  auto remove = [](blob::Blobs& from, std::vector<blob::Blobs::Unlinked> what) -> Task<> {
    auto done = co_await from.remove_unlinked(std::move(what));
    if (!done) log::warning("store.remove_blobs_failed", {{"error", done.error()}});
  };
  background_->tasks.spawn(background_->reactors.at(0), remove(blobs_, std::move(blobs)));
}

void MailStore::fold_later(AccountPtr account, MailboxId mailbox) {
  std::lock_guard hold(background_->mutex);
  if (background_->closed) return;
  auto& waiting = background_->folding[account->id()];
  if (std::find(waiting.begin(), waiting.end(), mailbox) != waiting.end()) return;
  waiting.push_back(mailbox);
  auto fold = [](Background& background, AccountPtr of, MailboxId id) -> Task<> {
    auto done = co_await of->fold(id);
    if (!done) log::warning("store.fold_failed", {{"account", of->id()}, {"mailbox", id}, {"error", done.error()}});
    std::lock_guard inner(background.mutex);
    auto it = background.folding.find(of->id());
    std::erase(it->second, id);
    if (it->second.empty()) background.folding.erase(it);
  };
  background_->tasks.spawn(background_->reactors.at(0), fold(*background_, std::move(account), mailbox));
}

bool MailStore::fits(const Account& account, std::uint64_t bytes) {
  const Quota q = account.quota();
  if (q.bytes_limit && q.bytes_used + bytes > q.bytes_limit) return false;
  return !q.messages_limit || q.messages_used < q.messages_limit;
}

namespace {

// One target of an append, in the change of its account.
Result<Appended> append_to(Change& change, const Target& target, MessageId id, std::uint64_t size) {
  MailboxState* mailbox = change.edit(target.mailbox);
  if (!mailbox) return fail(Errc::not_found, "the mailbox has been deleted");
  const Quota& q = change.core().quota;
  if ((q.bytes_limit && q.bytes_used + size > q.bytes_limit) || (q.messages_limit && q.messages_used >= q.messages_limit))
    return fail(Errc::over_quota, "the account is over its quota");
  if (mailbox->uid_next.value() == 0xFFFFFFFF) return fail(Errc::limit, "the mailbox has used up its UIDs");
  Entry entry;
  TRY(entry.keywords, keyword_bits(*mailbox, target.keywords, OnUnknownKeyword::add));
  entry.flags = target.flags & kAllSystemFlags;
  entry.internal_date = target.internal_date;
  entry.size = static_cast<std::uint32_t>(size);
  entry.message = id;
  const Uid uid = add_entry(change, target.mailbox, entry);
  return Appended{mailbox->uid_validity, uid, change.mod_seq()};
}

}  // namespace

Task<Result<std::vector<Result<Appended>>>> MailStore::append(Incoming incoming, std::vector<Target> targets) {
  std::string summary = message::encode(incoming.parser_.finish());
  blob::Sealed sealed = std::move(incoming.draft_).seal();
  if (sealed.size > 0xFFFFFFFF) {
    remove_later({{sealed.id, sealed.size}});
    co_return fail(Errc::too_large, "a message has at most 4 GiB");
  }

  std::vector<std::size_t> order(targets.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return std::pair(targets[a].account->id(), a) < std::pair(targets[b].account->id(), b);
  });

  std::vector<Result<Appended>> results(targets.size(), fail(Errc::not_found));
  std::vector<Change> changes;  // one an account, locked in ascending order
  kv::Batch batch = std::move(sealed.batch);
  std::size_t stored = 0;
  for (std::size_t i = 0; i < order.size();) {
    const AccountPtr& account = targets[order[i]].account;
    std::size_t end = i;
    while (end < order.size() && targets[order[end]].account == account) ++end;
    auto change = co_await Change::begin(account);
    std::uint64_t entries = 0;
    for (; i < end; ++i) {
      auto& result = results[order[i]];
      result = change ? append_to(*change, targets[order[i]], sealed.id, sealed.size)
                      : Result<Appended>(std::unexpected(change.error()));
      entries += result.has_value();
    }
    if (!entries) continue;
    const std::uint64_t partition = account->id().value();
    change->batch().put(Space::message, partition, message_key(sealed.id), encode_message(summary));
    blob::Blobs::put_link(change->batch(), sealed.id, account->id());
    if (entries > 1) {
      change->batch().put(Space::message_refs, partition, message_key(sealed.id), encode_refs(entries));
      change->core().has_copies = true;
    }
    stored += entries;
    changes.push_back(*std::move(change));
  }
  if (!stored) {
    changes.clear();
    if (sealed.size > blob::kChunkSize) remove_later({{sealed.id, sealed.size}});
    co_return results;
  }
  for (Change& change : changes) batch.append(change.take_batch());
  auto outcome = co_await kv_.commit(std::move(batch));
  for (Change& change : changes) change.finish(outcome);
  if (!outcome) {
    if (sealed.size > blob::kChunkSize && outcome.error().code == Errc::no_space) remove_later({{sealed.id, sealed.size}});
    co_return std::unexpected(outcome.error());
  }
  messages_stored.add(static_cast<std::int64_t>(stored));
  co_return results;
}

Task<Result<void>> MailStore::remove_account(AccountId id) {
  CO_TRY(auto removed, co_await account(id));
  std::optional<Change> change;
  do {
    change.reset();
    CO_TRY_OK(co_await removed->remove_all_mail());
    CO_TRY(auto locked, co_await Change::begin(removed));
    change.emplace(std::move(locked));
  } while (change->core().quota.messages_used > 0);  // a delivery came between
  kv::Batch batch;
  for (Space space : {Space::account, Space::mailbox, Space::subscription, Space::entry_page, Space::entry, Space::message,
                      Space::message_refs, Space::change})
    batch.erase_range(space, id.value(), "", "");
  batch.erase(Space::meta, 0, account_index_key(id));
  if (auto done = co_await kv_.commit(std::move(batch)); !done) {
    change->finish(done);
    co_return done;
  }
  {
    std::lock_guard hold(removed->mutex_);
    removed->gone_ = true;
    removed->mailboxes_.clear();
    removed->by_name_.clear();
    removed->views_.clear();
  }
  hub_.publish(id, removed->mod_seq());
  std::lock_guard hold(mutex_);
  accounts_.erase(id);
  co_return Result<void>{};
}

StoreStats MailStore::stats() const {
  StoreStats out;
  std::lock_guard hold(mutex_);
  out.accounts_cached = accounts_.size();
  for (const auto& [id, account] : accounts_) {
    std::lock_guard inner(account->mutex_);
    out.views_cached += account->views_.size();
    for (const auto& [mailbox, view] : account->views_) out.view_bytes += view->memory_bytes();
  }
  return out;
}

}  // namespace posthorn::store
