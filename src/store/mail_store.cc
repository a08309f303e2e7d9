#include "store/mail_store.h"

#include <algorithm>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/log.h"
#include "store/account_rows.h"
#include "store/change.h"
#include "store/threads.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "posthorn store 1";

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
  if (parser_) parser_->feed(bytes);
  return draft_.write(bytes);
}

std::size_t Incoming::conclude() {
  if (!summary_) {
    CHECK(parser_);
    const auto parsed = std::move(*parser_).finish();
    parser_.reset();
    summary_ = message::encode(parsed);
    thread_keys_ = store::thread_keys(parsed);
  }
  std::size_t bytes = summary_->size();
  for (const auto& key : thread_keys_) bytes += key.size();
  return bytes;
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
  return account.quota().has_room(bytes, 1);
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
  for (const auto& state : removed->mailboxes()) index_shares(batch, id, state->id, state->acl, {});
  for (Space space : {Space::account, Space::mailbox, Space::subscription, Space::entry_page, Space::entry, Space::message,
                      Space::message_refs, Space::change, Space::column, Space::index_state, Space::share, Space::thread})
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
