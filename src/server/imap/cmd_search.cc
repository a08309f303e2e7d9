// SEARCH and UID SEARCH. [RFC3501 6.4.4] [RFC7162 3.1.5]
//
// What the entries decide is decided in one pass over the view; for the rest summaries are read in batches, and for what is then
// still open the bytes.  Matching runs on the worker pool: no connection waits for another's search.
#include <algorithm>
#include <thread>
#include <utility>

#include "async/event.h"
#include "async/mutex.h"
#include "async/reactor.h"
#include "async/worker_pool.h"
#include "proto/imap/writer.h"
#include "server/imap/search_program.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

constexpr std::uint32_t kInlineEntries = 2048;  // as many are looked at on the reactor
constexpr std::size_t kBatch = 128;             // summaries held at once
constexpr std::uint64_t kHeldBytes = 1 << 20;   // of messages, held at once

// A message of which bytes are needed.
struct Open {
  std::uint32_t index = 0;
  std::string summary;
  std::string bytes;  // from the start of the message
  bool is_read = false;
};

message::ReadBytes read_held(std::string_view bytes) {
  return [bytes](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
    if (offset >= bytes.size()) return fail(Errc::corrupt, "the message is shorter than its summary says");
    return bytes.substr(offset, want);
  };
}

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
bool match_blocking(const SearchProgram& program, Candidate& candidate, store::Account& account, MessageId id) {
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
  candidate.set_bytes(&read);
  return program.match(candidate) == Verdict::yes;
}

// A message too large to hold is searched on a thread of its own, one at a time in the process: a worker that waits for
// bytes could wait for ever, when reading them needs a worker.
Task<bool> match_large(const SearchProgram& program, Candidate& candidate, store::Account& account, MessageId id) {
  static AsyncMutex one_at_a_time;
  const auto guard = co_await one_at_a_time.lock();
  Event done;
  bool found = false;
  std::thread thread([&] {
    found = match_blocking(program, candidate, account, id);
    done.set();
  });
  co_await done.wait();
  thread.join();
  co_return found;
}

}  // namespace

struct Session::SearchJob {
  const SearchProgram& program;
  store::ViewPtr view;
  const Selected& selected;
  std::vector<std::uint32_t> hits;     // indexes
  std::vector<std::uint32_t> pending;  // what the entries do not decide
  std::vector<Open> open;              // what the summaries do not decide

  Candidate candidate(std::uint32_t index) const {
    const auto& entry = view->at(index);
    return Candidate(index, entry, selected.is_recent(entry.uid));
  }
  void look_at_entries() {
    view->for_each([&](std::uint32_t index, const store::Entry& entry) {
      Candidate c(index, entry, selected.is_recent(entry.uid));
      note(index, program.match(c), pending);
    });
  }
  void note(std::uint32_t index, Verdict v, std::vector<std::uint32_t>& undecided) {
    if (v == Verdict::yes) hits.push_back(index);
    else if (v == Verdict::unknown) undecided.push_back(index);
  }
};

Task<Result<Reply>> Session::cmd_search(Command& command) {
  const auto& search = std::get<Search>(command.command);
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return fail(Errc::not_found);
  auto program = SearchProgram::compile(search, *selected_, *state);
  if (!program && program.error().code == Errc::unsupported)
    co_return no("That charset is not known", "BADCHARSET (US-ASCII UTF-8)");  // [RFC3501 6.4.4]
  if (!program) co_return std::unexpected(std::move(program).error());
  if (program->wants_mod_seq()) enable_condstore();

  SearchJob job{.program = *program, .view = selected_->told, .selected = *selected_};
  CO_TRY_OK(co_await search_entries(job));
  CO_TRY_OK(co_await search_summaries(job));
  std::ranges::sort(job.hits);
  CO_TRY_OK(co_await put_search_result(job, command.uid));
  co_return ok("SEARCH completed");
}

Task<Result<void>> Session::search_entries(SearchJob& job) {
  if (job.view->size() <= kInlineEntries) {
    job.look_at_entries();
    co_return Result<void>{};
  }
  co_await context_.services.store.workers().run([&job] { job.look_at_entries(); });
  co_return Result<void>{};
}

Task<Result<void>> Session::search_summaries(SearchJob& job) {
  auto& workers = context_.services.store.workers();
  const auto pending = std::exchange(job.pending, {});
  for (std::size_t begin = 0; begin < pending.size(); begin += kBatch) {
    const auto end = std::min(begin + kBatch, pending.size());
    std::vector<MessageId> ids;
    for (auto i = begin; i < end; ++i) ids.push_back(job.view->at(pending[i]).message);
    CO_TRY(auto summaries, co_await selected_->account->summaries(std::move(ids)));
    const auto match = [&] {
      for (auto i = begin; i < end; ++i) {
        auto& encoded = summaries[i - begin];
        const auto view = message::SummaryView::open(encoded);
        if (!view) continue;  // gone, or damaged: nothing can be found in it
        auto candidate = job.candidate(pending[i]);
        candidate.set_summary(&*view);
        const auto verdict = job.program.match(candidate);
        if (verdict == Verdict::yes) job.hits.push_back(pending[i]);
        else if (verdict == Verdict::unknown) job.open.push_back({.index = pending[i], .summary = std::move(encoded)});
      }
    };
    co_await workers.run(match);
    CO_TRY_OK(co_await search_bytes(job));
  }
  co_return Result<void>{};
}

// Decides job.open.
Task<Result<void>> Session::search_bytes(SearchJob& job) {
  auto& workers = context_.services.store.workers();
  const bool whole = job.program.cost() == Cost::text;
  auto open = std::exchange(job.open, {});
  std::size_t first = 0;  // [first, i) are held
  std::uint64_t held = 0;
  const auto match = [&](std::size_t begin, std::size_t end) {
    for (auto i = begin; i < end; ++i) {
      auto& message = open[i];
      const auto view = message::SummaryView::open(message.summary);
      if (!view || !message.is_read) continue;
      auto candidate = job.candidate(message.index);
      candidate.set_summary(&*view);
      candidate.set_header(std::string_view(message.bytes).substr(0, view->header_size()));
      const auto read = read_held(message.bytes);
      if (whole) candidate.set_bytes(&read);
      if (job.program.match(candidate) == Verdict::yes) job.hits.push_back(message.index);
      message = {};
    }
  };
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto view = message::SummaryView::open(open[i].summary);
    if (!view) continue;
    const auto id = job.view->at(open[i].index).message;
    const bool large = whole && view->size() > kHeldBytes;
    const auto wanted = large || !whole ? std::min(view->header_size(), kHeldBytes) : view->size();
    auto bytes = co_await read_start(*selected_->account, id, wanted);
    if (!bytes && bytes.error().code != Errc::not_found) co_return std::unexpected(std::move(bytes).error());
    if (!bytes) continue;
    if (large) {
      auto candidate = job.candidate(open[i].index);
      candidate.set_summary(&*view);
      candidate.set_header(*bytes);
      const bool found = co_await match_large(job.program, candidate, *selected_->account, id);
      if (found) job.hits.push_back(open[i].index);
      continue;
    }
    held += bytes->size();
    open[i].bytes = *std::move(bytes);
    open[i].is_read = true;
    if (held < kHeldBytes) continue;
    co_await workers.run([&] { match(first, i + 1); });
    first = i + 1;
    held = 0;
  }
  co_await workers.run([&] { match(first, open.size()); });
  co_return Result<void>{};
}

Task<Result<void>> Session::put_search_result(SearchJob& job, bool uid) {
  output() += "* SEARCH";
  ModSeq highest;
  for (std::size_t i = 0; i < job.hits.size(); ++i) {
    const auto& entry = job.view->at(job.hits[i]);
    highest = std::max(highest, entry.mod_seq);
    Writer(output()).sp().number(uid ? entry.uid.value() : job.hits[i] + 1);
    if (i % 4096 == 4095) CO_TRY_OK(co_await flush_if_large());
  }
  // [RFC7162 3.1.6]
  if (job.program.wants_mod_seq() && !job.hits.empty())
    Writer(output()).raw(" (MODSEQ ").number(highest.value()).raw(")");
  output() += "\r\n";
  co_return Result<void>{};
}

}  // namespace posthorn::imap
