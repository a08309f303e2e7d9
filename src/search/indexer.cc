#include "search/indexer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/log.h"
#include "base/metrics.h"
#include "search/mailbox_indexer.h"

namespace posthorn::search {
namespace {

using namespace std::chrono_literals;

Counter indexed{"search.indexed", "Messages packed for searching since the start."};
Gauge backlog{"search.backlog", "Mailboxes that wait to be packed for searching, or are being packed."};

constexpr std::size_t kMaxQueue = 100'000;    // a mailbox that is not taken comes back when it is opened
constexpr std::size_t kMaxRemembered = 10'000;
constexpr double kBusyCommits = 100;          // a second
constexpr auto kOpenedAgain = 10min;          // telephones open a mailbox all the time: one look at it in so long is enough

using Key = std::pair<AccountId, MailboxId>;

}  // namespace

// One reactor that waits, at normal priority because it takes account locks, and one thread that computes, at the lowest.
struct Indexer::Impl {
  explicit Impl(store::MailStore& s) : store(s) {
    reactors.start();
    cpu.submit([] { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19); });
  }

  Task<> run();
  Task<bool> step(Key);
  Task<> give_way();

  store::MailStore& store;
  WorkerPool cpu{1};
  ReactorPool reactors{1};
  TaskGroup tasks;
  std::atomic<bool> stopping{false};
  // Of the reactor: a mailbox has nothing to pack before its UIDNEXT is this.
  std::map<Key, Uid> look_again;
  std::uint64_t commits = 0;
  std::chrono::steady_clock::time_point since;

  std::mutex mutex;  // guards what follows
  std::condition_variable idle;
  std::deque<Key> queue;
  std::set<Key> queued;  // what is in the queue
  std::set<Key> opened;  // look at these whatever is remembered
  std::map<Key, std::chrono::steady_clock::time_point> opened_at;  // when that was last asked for
  bool running = false;

  void push(Key key);                // REQUIRES: the mutex is held
  bool was_opened_lately(Key key);  // the same
};

Indexer::Indexer(store::MailStore& store) : impl_(std::make_unique<Impl>(store)) {}

Indexer::~Indexer() {
  {
    std::lock_guard hold(impl_->mutex);
    impl_->stopping = true;
    backlog.set(0);
  }
  run_task(impl_->tasks.join());
  impl_->reactors.stop();
}

void Indexer::hint(AccountId account, MailboxId mailbox, Why why) {
  const Key key(account, mailbox);
  std::lock_guard hold(impl_->mutex);
  if (impl_->stopping || impl_->queue.size() >= kMaxQueue) return;
  if (why == Why::opened) {
    if (impl_->was_opened_lately(key)) return;
    impl_->opened.insert(key);
  }
  impl_->push(key);
  if (std::exchange(impl_->running, true)) return;
  impl_->tasks.spawn(impl_->reactors.at(0), impl_->run());
}

bool Indexer::Impl::was_opened_lately(Key key) {
  const auto now = std::chrono::steady_clock::now();
  if (opened_at.size() >= kMaxRemembered) opened_at.clear();
  const auto [last, is_new] = opened_at.try_emplace(key, now);
  if (!is_new && now - last->second < kOpenedAgain) return true;
  last->second = now;
  return false;
}

void Indexer::Impl::push(Key key) {
  if (queued.insert(key).second) queue.push_back(key);
  backlog.set(static_cast<std::int64_t>(queue.size()));
}

void Indexer::wait_until_idle() {
  std::unique_lock hold(impl_->mutex);
  impl_->idle.wait(hold, [this] { return !impl_->running; });
}

// A segment of each mailbox in turn, so that a large one does not hold up the others.
Task<> Indexer::Impl::run() {
  for (;;) {
    Key key;
    {
      std::lock_guard hold(mutex);
      if (stopping || queue.empty()) {
        running = false;
        idle.notify_all();
        co_return;
      }
      key = queue.front();
      queue.pop_front();
      queued.erase(key);
      if (opened.erase(key) > 0) look_again.erase(key);
    }
    const bool more = co_await step(key);
    {
      std::lock_guard hold(mutex);
      if (more) push(key);
      if (!stopping) backlog.set(static_cast<std::int64_t>(queue.size()));  // until here it counted this one
    }
    if (more) co_await give_way();
  }
}

Task<bool> Indexer::Impl::step(Key key) {
  const auto& [id, mailbox] = key;
  const auto account = co_await store.account(id);
  if (!account) co_return false;
  const auto state = (*account)->mailbox(mailbox);
  const auto known = look_again.find(key);
  if (!state || (known != look_again.end() && state->uid_next < known->second)) co_return false;
  MailboxIndexer indexer(*account, mailbox, cpu, stopping);
  const auto done = co_await indexer.run();
  if (!done) {
    if (done.error().code == Errc::busy) co_return true;
    if (!stopping) log::warning("search.index_failed", {{"account", id}, {"mailbox", mailbox}, {"error", done.error()}});
    co_return false;
  }
  indexed.add(done->packed);
  if (look_again.size() > kMaxRemembered) look_again.clear();
  if (!done->more) look_again[key] = done->look_again;
  co_return done->more;
}

// While others commit much, most of the time is theirs.
Task<> Indexer::Impl::give_way() {
  const auto now = std::chrono::steady_clock::now();
  const auto all = store.kv().stats().commits;
  const std::chrono::duration<double> elapsed = now - since;
  const bool busy = static_cast<double>(all - commits) > kBusyCommits * elapsed.count();
  if (busy) co_await sleep_for(std::clamp<std::chrono::steady_clock::duration>(3 * (now - since), 50ms, 500ms));
  commits = store.kv().stats().commits;
  since = std::chrono::steady_clock::now();
}

}  // namespace posthorn::search
