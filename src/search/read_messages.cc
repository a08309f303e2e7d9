#include "search/read_messages.h"

#include <algorithm>
#include <span>
#include <thread>
#include <utility>

#include "async/event.h"
#include "async/mutex.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "async/worker_pool.h"
#include "base/log.h"
#include "message/summary.h"
#include "search/column_reader.h"
#include "store/mail_store.h"

namespace posthorn::search {
namespace {

constexpr std::uint32_t kWindow = 512;          // indexes whose summaries are held at once, in each lane
constexpr std::uint64_t kHeldSummaries = 16 << 20;  // bytes of them
constexpr std::size_t kWorthAColumn = 64;       // fewer summaries of a window are read one by one
constexpr std::uint64_t kHeldBytes = 1 << 20;   // of messages, held at once in each lane
constexpr int kLanes = 3;                       // windows in work at the same time: while one is read, the other is matched

// The first `length` bytes.
Task<Result<std::string>> read_start(store::Account& account, MessageId id, std::uint64_t length) {
  std::string out;
  while (out.size() < length) {
    CO_TRY(const auto piece, co_await account.read(id, out.size(), length - out.size()));
    if (piece.empty()) co_return fail(Errc::corrupt, "the message is shorter than its entry says");
    out += piece;
  }
  co_return out;
}

// With bytes in pieces that are waited for: on a thread that may block.
bool match_blocking(const SearchNode& root, Candidate& candidate, store::Account& account, MessageId id) {
  std::string window;
  std::uint64_t window_offset = 0;
  const message::ReadBytes read = [&](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
    if (offset < window_offset || offset >= window_offset + window.size()) {
      TRY(window, run_task(account.read(id, offset, std::max<std::uint64_t>(want, blob::kChunkSize))));
      window_offset = offset;
      if (window.empty()) return fail(Errc::corrupt, "the message is shorter than its summary says");
    }
    return std::string_view(window).substr(offset - window_offset, want);
  };
  candidate.set_reader(&read);
  return candidate.match(root) == Verdict::yes;
}

// A message too large to hold is searched on a thread of its own, one at a time in the process: a worker that waits for
// bytes could wait for ever, when reading them needs a worker.
Task<bool> match_large(const SearchNode& root, Candidate& candidate, store::Account& account, MessageId id) {
  static AsyncMutex one_at_a_time;
  const auto guard = co_await one_at_a_time.lock();
  Event done;
  bool found = false;
  std::thread thread([&] {
    found = match_blocking(root, candidate, account, id);
    done.set();
  });
  co_await done.wait();
  thread.join();
  co_return found;
}

// A message that is still open, and its encoded summary.
struct Open {
  std::uint32_t index = 0;
  std::string_view summary;  // empty: the message has gone
  store::ThreadId thread;
};

// Summaries of one window; owns their bytes.
struct Window {
  std::vector<Open> open;
  std::vector<std::string> owned;
  std::vector<ColumnRows> rows;
};

class MessageSearch {
 public:
  MessageSearch(const SearchPlace& place, const SearchProgram& program, const StillWorking& still_working, const IndexBits& open)
      : place_(place), program_(program), still_working_(still_working), indexes_(open.indexes()) {}

  Task<Result<void>> run(IndexBits& found) {
    TaskGroup lanes;
    for (int i = 0; i < kLanes; ++i) lanes.spawn(Reactor::current(), run_lane());
    co_await lanes.join();
    for (const auto index : hits_) found.set(index);
    co_return std::move(outcome_);
  }

 private:
  // Lanes run on one reactor; they share the members without a lock.  What runs on a worker touches none of them.
  Task<> run_lane() {
    while (next_ < indexes_.size() && outcome_) {
      const auto begin = indexes_.begin() + static_cast<std::ptrdiff_t>(next_);
      const auto window_end = std::lower_bound(begin, indexes_.end(), *begin / kWindow * kWindow + kWindow);
      auto end = begin;
      for (std::uint64_t held = 0; end != window_end && held < kHeldSummaries; ++end)
        held += message::longest_summary(place_.view->at(*end).size);
      next_ = static_cast<std::size_t>(end - indexes_.begin());
      auto done = co_await search_window({begin, end});
      if (done) done = co_await still_working();
      if (!done && outcome_) outcome_ = std::move(done);
    }
  }

  // One lane at a time: it may write to the client.
  Task<Result<void>> still_working() {
    if (std::exchange(telling_, true)) co_return Result<void>{};
    auto told = co_await still_working_();
    telling_ = false;
    co_return told;
  }

  Task<Result<void>> search_window(std::span<const std::uint32_t> indexes) {
    Window window;
    CO_TRY_OK(co_await read_summaries(indexes, window));
    if (program_.wants_summaries) co_await match_summaries(window);
    if (program_.root.cost < Cost::header) co_return Result<void>{};
    for (std::size_t begin = 0; begin < window.open.size();) {
      auto end = begin;
      for (std::uint64_t held = 0; end < window.open.size() && (held == 0 || held < kHeldBytes); ++end)
        held += std::min<std::uint64_t>(place_.view->at(window.open[end].index).size, blob::kChunkSize);
      CO_TRY_OK(co_await match_bytes(std::span(window.open).subspan(begin, end - begin)));
      begin = end;
    }
    co_return Result<void>{};
  }

  Task<Result<void>> read_summaries(std::span<const std::uint32_t> indexes, Window& window) {
    for (const auto index : indexes) window.open.push_back({.index = index});
    if (indexes.size() >= kWorthAColumn) CO_TRY_OK(co_await read_summary_column(window));
    std::vector<Open*> missing;
    for (auto& open : window.open)
      if (open.summary.empty()) missing.push_back(&open);
    CO_TRY(window.owned, co_await place_.account->summaries(ids_of(missing)));
    for (std::size_t i = 0; i < missing.size(); ++i) missing[i]->summary = window.owned[i];
    if (program_.wants_threads) CO_TRY_OK(co_await read_threads(window));
    std::erase_if(window.open, [](const Open& open) { return open.summary.empty(); });
    co_return Result<void>{};
  }

  Task<Result<void>> read_summary_column(Window& window) {
    ColumnReader reader(place_.account, place_.mailbox, place_.view, Column::summary, window.open.front().index,
                                window.open.back().index + 1);
    for (;;) {
      CO_TRY(auto rows, co_await reader.next());
      if (!rows) break;
      window.rows.push_back(*std::move(rows));
    }
    auto rows = window.rows.begin();
    for (auto& open : window.open) {
      while (rows->to() <= open.index) ++rows;
      open.summary = rows->at(open.index).value_or(std::string_view());
    }
    co_return Result<void>{};
  }

  Task<Result<void>> read_threads(Window& window) {
    std::vector<Open*> all;
    for (auto& open : window.open) all.push_back(&open);
    CO_TRY(const auto threads, co_await place_.account->threads(ids_of(all)));
    for (std::size_t i = 0; i < all.size(); ++i) all[i]->thread = threads[i];
    co_return Result<void>{};
  }

  std::vector<MessageId> ids_of(const std::vector<Open*>& messages) const {
    std::vector<MessageId> ids;
    for (const auto* message : messages) ids.push_back(place_.view->at(message->index).message);
    return ids;
  }

  // Leaves in the window what the summaries do not decide.
  Task<> match_summaries(Window& window) {
    std::vector<std::uint32_t> hits;
    co_await place_.account->store().workers().run([&] {
      std::erase_if(window.open, [&](const Open& open) {
        const auto view = message::SummaryView::open(open.summary);
        if (!view) return true;
        auto candidate = candidate_of(open, *view);
        const auto verdict = candidate.match(program_.root);
        if (verdict == Verdict::yes) hits.push_back(open.index);
        return verdict != Verdict::unknown;
      });
    });
    hits_.insert(hits_.end(), hits.begin(), hits.end());
  }

  Candidate candidate_of(const Open& open, const message::SummaryView& summary) const {
    Candidate candidate(open.index, place_.view->at(open.index));
    candidate.set_summary(&summary, open.thread);
    return candidate;
  }

  Task<Result<void>> match_bytes(std::span<const Open> messages) {
    std::vector<MessageId> ids;
    for (const auto& message : messages) ids.push_back(place_.view->at(message.index).message);
    CO_TRY(const auto bytes, co_await place_.account->read_whole(std::move(ids)));
    std::vector<std::uint32_t> hits;
    co_await place_.account->store().workers().run([&] {
      for (std::size_t i = 0; i < messages.size(); ++i)
        if (bytes[i] && matches(messages[i], *bytes[i])) hits.push_back(messages[i].index);
    });
    hits_.insert(hits_.end(), hits.begin(), hits.end());
    for (std::size_t i = 0; i < messages.size(); ++i)
      if (!bytes[i]) {
        CO_TRY_OK(co_await match_long(messages[i]));
        CO_TRY_OK(co_await still_working());
      }
    co_return Result<void>{};
  }

  bool matches(const Open& open, std::string_view bytes) const {
    const auto view = message::SummaryView::open(open.summary);
    if (!view) return false;
    auto candidate = candidate_of(open, *view);
    candidate.set_header(bytes.substr(0, view->header_size()));
    if (bytes.size() == view->size()) candidate.set_message(bytes);
    return candidate.match(program_.root) == Verdict::yes;
  }

  // One that does not come in one piece.
  Task<Result<void>> match_long(const Open& open) {
    const auto view = message::SummaryView::open(open.summary);
    if (!view) co_return Result<void>{};
    const auto id = place_.view->at(open.index).message;
    const bool all = program_.root.cost == Cost::text && view->size() <= kHeldBytes;
    auto start = co_await read_start(*place_.account, id, all ? view->size() : std::min(view->header_size(), kHeldBytes));
    if (!start && start.error().code == Errc::not_found) co_return Result<void>{};
    if (!start && start.error().code == Errc::corrupt) {
      // The others are to be found all the same; `store check` says more.
      log::error("imap.search_damaged", {{"message", id}, {"error", start.error()}});
      co_return Result<void>{};
    }
    CO_TRY_OK(start);
    bool found = false;
    if (all || program_.root.cost < Cost::text) {
      co_await place_.account->store().workers().run([&] { found = matches(open, *start); });
    } else {
      auto candidate = candidate_of(open, *view);
      candidate.set_header(*start);
      found = co_await match_large(program_.root, candidate, *place_.account, id);
    }
    if (found) hits_.push_back(open.index);
    co_return Result<void>{};
  }

  const SearchPlace& place_;
  const SearchProgram& program_;
  const StillWorking& still_working_;
  const std::vector<std::uint32_t> indexes_;
  std::size_t next_ = 0;  // of indexes_, not taken by a lane yet
  std::vector<std::uint32_t> hits_;
  Result<void> outcome_;
  bool telling_ = false;
};

}  // namespace

Task<Result<void>> search_messages(const SearchPlace& place, const SearchProgram& program, const StillWorking& still_working,
                                   const IndexBits& open, IndexBits& found) {
  MessageSearch search(place, program, still_working, open);
  co_return co_await search.run(found);
}

}  // namespace posthorn::search
