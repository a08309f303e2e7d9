#include "delivery/engine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "crypto/random.h"
#include "delivery/bounce.h"
#include "delivery/postmaster.h"
#include "delivery/settings.h"
#include "queue/retry.h"

namespace posthorn::delivery {
namespace {

using queue::State;

inline Gauge attempts_under_way{"delivery.attempts_under_way", "Attempts to deliver queued messages that are under way."};
inline Counter attempts_made{"delivery.attempts", "Attempts to deliver queued messages since the start."};

// Works that follow each other on one connection before others get their turn.
constexpr int kInARow = 100;
// Works of a destination that cannot be reached which get the answer of one attempt.
constexpr int kMaxGivenUp = 1000;
constexpr std::chrono::seconds kReportRetry{60};

double random_fraction() { return static_cast<double>(crypto::random_u64() >> 11) * 0x1p-53; }

bool is_waiting(const queue::Recipient& r) { return r.state == State::waiting; }

const queue::Recipient& first_waiting(const queue::Work& work) { return *std::ranges::find_if(work.recipients(), is_waiting); }

std::optional<message::DsnAction> action_of(State state) {
  switch (state) {
    case State::waiting:
    case State::removed: return {};
    case State::delivered: return message::DsnAction::delivered;
    case State::relayed: return message::DsnAction::relayed;
    case State::expanded: return message::DsnAction::expanded;
    case State::failed:
    case State::expired: return message::DsnAction::failed;
  }
  return {};
}

}  // namespace

struct Engine::PerReactor {
  explicit PerReactor(Reactor& r) : reactor(r), connections(r) {}
  Reactor& reactor;
  Connections connections;
  std::size_t running = 0, max_running = 1;
  Event* room = nullptr;  // of the dispatcher, when there is none
};

Engine::Engine(ReactorPool& reactors, EngineParts parts) : reactors_(reactors), parts_(std::move(parts)) {
  context_.blobs = &parts_.store.blobs();
  context_.targets.resolver = &parts_.resolver;
  context_.targets.sts = parts_.sts;
  context_.targets.results = parts_.results;
  if (auto name = dns::Name::parse(parts_.hostname)) context_.targets.our_names.push_back(*name);
  context_.targets.our_addresses = parts_.our_addresses;
  context_.hello = parts_.hostname;
  context_.tls = parts_.tls;
  context_.signatures = parts_.signatures;
  context_.reverse_path = [this](const queue::Entry& e, const queue::Recipient& r) { return parts_.forwarder.reverse_path(e, r); };
}

Engine::~Engine() { CHECK(!started_ || stopping_); }

void Engine::start() {
  started_ = true;
  const auto each = std::max<std::size_t>(1, static_cast<std::size_t>(kAttempts.get()) / reactors_.size());
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    per_reactor_.push_back(std::make_unique<PerReactor>(reactors_.at(i)));
    per_reactor_.back()->max_running = each;
  }
  parts_.trace.start(reactors_.at(0));
  for (auto& here : per_reactor_) {
    auto* const h = here.get();
    h->reactor.post([this, h] { dispatchers_.spawn(h->reactor, dispatch(*this, *h)); });
  }
}

bool Engine::wait_until_idle(std::chrono::steady_clock::duration patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (works_.running() > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

void Engine::stop(std::chrono::steady_clock::duration patience) {
  if (stopping_.exchange(true) || !started_) return;
  const auto everywhere = [this](void (*f)(PerReactor&)) {
    for (auto& here : per_reactor_) {
      auto* const h = here.get();
      h->reactor.post([h, f] { f(*h); });
    }
    for (auto& here : per_reactor_) here->reactor.settle(std::chrono::seconds(10));
  };
  everywhere([](PerReactor& here) { here.connections.stop_opening(); });
  parts_.resolver.shut_down();
  if (!wait_until_idle(patience)) {
    everywhere([](PerReactor& here) { here.connections.shut_down(); });
    if (!wait_until_idle(std::chrono::seconds(15))) {
      everywhere([](PerReactor& here) { here.connections.abandon(); });
      if (!wait_until_idle(std::chrono::seconds(15))) log::error("delivery.stuck", {{"works", works_.running()}});
    }
  }
  parts_.queue.close();
  run_task(dispatchers_.join());
  run_task(works_.join());
  for (auto& here : per_reactor_) {
    auto* const h = here.get();
    TaskGroup closing;
    h->reactor.post([h, &closing] { closing.spawn(h->reactor, h->connections.close()); });
    h->reactor.settle(std::chrono::seconds(10));
    run_task(closing.join());
  }
  run_task(parts_.trace.stop());
}

Task<> Engine::dispatch(Engine& engine, PerReactor& here) {
  while (!engine.stopping_) {
    if (here.running >= here.max_running) {
      Event room;
      here.room = &room;
      co_await room.wait();
      continue;
    }
    auto work = co_await engine.parts_.queue.next();
    if (!work) {
      if (work.error().code == Errc::cancelled) co_return;
      log::warning("delivery.work_unreadable", {{"error", work.error()}});
      continue;
    }
    if (engine.stopping_) co_return;
    ++here.running;
    engine.works_.spawn(here.reactor, serve(engine, here, *std::move(work)));
  }
}

Task<> Engine::serve(Engine& engine, PerReactor& here, queue::Work work) {
  const GaugeHold hold(attempts_under_way);
  ++engine.under_way_;
  if (work.only_reports()) {
    co_await engine.serve_reports(std::move(work));
  } else {
    auto way = engine.parts_.router.way(work.entry(), first_waiting(work));
    if (way.kind == Way::Kind::local) {
      attempts_made.add();
      co_await engine.serve_local(std::move(work), std::move(way));
    } else {
      co_await engine.serve_remote(here, std::move(work), std::move(way));
    }
  }
  --engine.under_way_;
  --here.running;
  if (here.room) std::exchange(here.room, nullptr)->set();
}

Task<> Engine::serve_remote(PerReactor& here, queue::Work first, Way way) {
  std::optional<queue::Work> work(std::move(first));
  const auto destination = work->destination();
  auto connection = here.connections.take(destination);
  std::optional<TaskGroup> settling;
  for (int in_a_row = 0; work; ++in_a_row) {
    const auto began = steady_now();
    attempts_made.add();
    Dialogue dialogue;
    Attempt attempt(context_, here.connections, *work, way, dialogue);
    co_await attempt.run(std::exchange(connection, std::nullopt));
    connection = attempt.take_connection();
    const Subject subject(*work);
    keep_trace(subject, dialogue);
    // Nobody says what became of it: the work goes back as it was.
    if (attempt.cancelled()) break;
    std::optional<Verdict> unreachable;
    if (attempt.pressure() == Pressure::unreachable)
      for (const auto& v : attempt.verdicts())
        if (v.state == State::waiting && !v.answer.text.empty()) unreachable = v;
    adapt(destination, way, attempt.pressure(), began);
    auto settlement = co_await settlement_of(*work, attempt.verdicts());
    log_results(subject, settlement.outcomes, attempt.last_host());
    // The next message goes out while the disk is waited for; one at a time, or a slow disk would let them pile up.
    if (settling) co_await settling->join();
    settlement.frees = connection && !unreachable;
    auto begun = co_await begin_settle(*std::exchange(work, std::nullopt), std::move(settlement));
    settling.emplace().spawn(here.reactor, finish_settle(*this, subject.message, std::move(begun)));
    if (unreachable) {
      co_await settling->join();
      co_return co_await give_up_for_now(destination, *std::move(unreachable));
    }
    if (!connection || stopping_ || in_a_row >= kInARow || Connections::is_old(*connection)) break;
    auto next = co_await parts_.queue.next_of(destination);
    if (!next || !*next) break;
    work = *std::move(next);
    // Its relay may be another one by now.
    auto next_way = parts_.router.way(work->entry(), first_waiting(*work));
    if (next_way.key() != way.key()) {
      here.connections.put(destination, *std::exchange(connection, std::nullopt));
      work.reset();
    } else {
      way = std::move(next_way);
    }
  }
  if (connection) here.connections.put(destination, *std::move(connection));
  if (settling) co_await settling->join();
}

Task<> Engine::give_up_for_now(std::string destination, Verdict verdict) {
  // While the pause lasts nothing is given out: each of them has got its own time before.
  const auto limits = parts_.paces.limits(destination);
  parts_.queue.set_limits(destination, {.concurrency = limits.concurrency, .not_before = {}});
  for (int i = 0; i < kMaxGivenUp && !stopping_; ++i) {
    auto next = co_await parts_.queue.next_of(destination);
    if (!next || !*next) break;
    auto& work = **next;
    std::vector<Verdict> verdicts(work.recipients().size(), verdict);
    Dialogue dialogue;
    dialogue.note("not tried: the destination could not be reached a moment ago: " + verdict.answer.text);
    const Subject subject(work);
    keep_trace(subject, dialogue);
    auto settlement = co_await settlement_of(work, verdicts);
    log_results(subject, settlement.outcomes, {});
    co_await settle(std::move(work), std::move(settlement));
  }
  parts_.queue.set_limits(destination, parts_.paces.limits(destination));
}

// Recipients that are final, whose sender has yet to be told.
Task<> Engine::serve_reports(queue::Work work) {
  std::vector<Report> reports;
  queue::Settlement settlement;
  settlement.attempted = false;
  for (std::size_t i = 0; i < work.recipients().size(); ++i) {
    const auto& r = work.recipients()[i];
    if (!r.owed) continue;
    settlement.outcomes.push_back({.recipient = i, .state = r.state, .answer = {}, .owed = false, .warned = false});
    if (const auto action = action_of(r.state)) reports.push_back({.recipient = &r, .action = *action, .answer = r.last});
  }
  auto messages = co_await compose_reports(parts_.store.blobs(), bounce_context(), work.blob(), work.entry(), std::move(reports), std::nullopt);
  if (messages) {
    settlement.messages = *std::move(messages);
  } else {
    log::warning("delivery.report_failed", {{"message", work.blob()}, {"error", messages.error()}});
    for (auto& o : settlement.outcomes) o.owed = true;
    settlement.next = now() + kReportRetry;
  }
  co_await settle(std::move(work), std::move(settlement));
}

Task<queue::Settlement> Engine::settlement_of(const queue::Work& work, const std::vector<Verdict>& verdicts) {
  const auto& entry = work.entry();
  const auto waiting = std::ranges::find_if(work.recipients(), is_waiting);
  const auto policy = waiting == work.recipients().end() ? queue::RetryPolicy::from_settings() : parts_.router.way(entry, *waiting).retry_policy();
  const auto decision = queue::decide(policy, entry, work.attempts() + 1, now(), random_fraction());
  queue::Settlement out;
  std::vector<Report> reports, delays;
  std::vector<std::size_t> delayed;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const auto& r = work.recipients()[i];
    if (!is_waiting(r)) continue;
    queue::Outcome o{.recipient = i, .state = verdicts[i].state, .answer = verdicts[i].answer, .owed = false, .warned = false};
    if (o.state == State::waiting && decision.what == queue::Decision::What::expire) o.state = State::expired;
    if (o.state == State::waiting) {
      out.next = decision.next;
      if (decision.warn && !r.warned) {
        delays.push_back({.recipient = &r, .action = message::DsnAction::delayed, .answer = o.answer});
        delayed.push_back(out.outcomes.size());
      }
    } else if (!verdicts[i].passed_on) {
      reports.push_back({.recipient = &r, .action = *action_of(o.state), .answer = o.answer});
    }
    out.outcomes.push_back(std::move(o));
  }
  const bool any_final = !reports.empty();
  reports.insert(reports.end(), delays.begin(), delays.end());
  std::erase_if(reports, [&](const Report& r) { return audience_of(entry, *r.recipient, r.action) == message::Audience::nobody; });
  if (!reports.empty()) {
    const auto until = std::optional(entry.born() + policy.lifetime);
    auto messages = co_await compose_reports(parts_.store.blobs(), bounce_context(), work.blob(), entry, reports, until);
    if (!messages) {
      log::warning("delivery.report_failed", {{"message", work.blob()}, {"error", messages.error()}});
      for (auto& o : out.outcomes) {
        const auto reported = [&](const Report& r) { return r.recipient == &work.recipients()[o.recipient] && r.action != message::DsnAction::delayed; };
        o.owed = any_final && std::ranges::any_of(reports, reported);
      }
      if (!out.next) out.next = now() + kReportRetry;
      co_return out;
    }
    out.messages = *std::move(messages);
  }
  for (const auto i : delayed) out.outcomes[i].warned = true;
  co_return out;
}

Task<Result<Engine::Begun>> Engine::begin_settle(queue::Work work, queue::Settlement settlement) {
  auto records = records_of(work, settlement);
  CO_TRY(auto settling, co_await parts_.queue.begin_settle(std::move(work), std::move(settlement)));
  co_return Begun{.settling = std::move(settling), .records = std::move(records)};
}

Task<> Engine::finish_settle(Engine& engine, queue::EntryId message, Result<Begun> begun) {
  Result<void> settled;
  if (begun) settled = co_await engine.parts_.queue.finish_settle(std::move(begun->settling));
  else settled = std::unexpected(std::move(begun).error());
  if (!settled) log::warning("delivery.settle_failed", {{"message", message}, {"error", settled.error()}});
  if (settled)
    for (auto& record : begun->records) engine.parts_.trace.add(std::move(record));
}

Task<> Engine::settle(queue::Work work, queue::Settlement settlement) {
  const auto message = work.id().entry;
  auto begun = co_await begin_settle(std::move(work), std::move(settlement));
  co_await finish_settle(*this, message, std::move(begun));
}

std::vector<TraceRecord> Engine::records_of(const queue::Work& work, const queue::Settlement& settlement) {
  using Kind = DialogueLine::Kind;
  std::vector<TraceRecord> out;
  TraceRecord here{.message = work.blob(), .when = now(), .reverse_path = work.entry().reverse_path, .recipients = {}, .lines = {}};
  for (const auto& o : settlement.outcomes) {
    const auto& r = work.recipients()[o.recipient];
    if (o.state == State::expired && is_waiting(r)) here.lines.push_back({here.when, Kind::note, '<' + r.forward_path + ">: given up, it has waited too long"});
  }
  for (const auto& made : settlement.messages) {
    const bool report = made.entry.reverse_path.empty() && made.entry.origin.ip.empty() && made.entry.origin.helo.empty();
    std::string to = made.recipients.empty() ? std::string() : made.recipients.front().forward_path;
    if (made.recipients.size() > 1) to += " and " + std::to_string(made.recipients.size() - 1) + " more";
    here.lines.push_back({here.when, Kind::note, (report ? "a report to " : "a copy for ") + to + " is queued as message " + std::to_string(made.bytes.id.value())});
    TraceRecord there{.message = made.bytes.id, .when = here.when, .reverse_path = made.entry.reverse_path, .recipients = {}, .lines = {}};
    for (const auto& r : made.recipients)
      if (there.recipients.size() < Trace::kMaxRecipients) there.recipients.push_back(r.forward_path);
    const auto what = "made here: " + std::string(report ? "a report about" : "a copy of") + " message " + std::to_string(here.message.value());
    there.lines.push_back({here.when, Kind::note, what});
    out.push_back(std::move(there));
  }
  if (!here.lines.empty()) out.push_back(std::move(here));
  return out;
}

Engine::Subject::Subject(const queue::Work& work)
    : message(work.blob()), reverse_path(work.entry().reverse_path), attempt(work.attempts() + 1) {
  for (const auto& r : work.recipients()) recipients.push_back(r.forward_path);
}

void Engine::log_results(const Subject& of, const std::vector<queue::Outcome>& outcomes, const std::string& host) {
  for (const auto& o : outcomes) {
    const auto& e = o.answer.enhanced;
    log::info("delivery.result", {{"message", of.message},
                                  {"from", of.reverse_path},
                                  {"to", of.recipients[o.recipient]},
                                  {"state", to_string(o.state)},
                                  {"host", host},
                                  {"code", o.answer.code},
                                  {"status", std::to_string(e.klass) + '.' + std::to_string(e.subject) + '.' + std::to_string(e.detail)},
                                  {"text", o.answer.text},
                                  {"attempt", of.attempt}});
  }
}

void Engine::keep_trace(const Subject& of, Dialogue& dialogue) {
  TraceRecord record{.message = of.message, .when = now(), .reverse_path = of.reverse_path, .recipients = of.recipients, .lines = dialogue.take()};
  if (!record.lines.empty()) record.when = record.lines.front().when;
  parts_.trace.add(std::move(record));
}

void Engine::adapt(const std::string& destination, const Way& way, Pressure pressure, SteadyTime began) {
  queue::Limits limits;
  switch (pressure) {
    case Pressure::none: return;
    case Pressure::took: limits = parts_.paces.succeeded(destination); break;
    case Pressure::slow_down: limits = parts_.paces.slowed(destination, began); break;
    case Pressure::unreachable: (void)parts_.paces.unreachable(destination, began, way.retry_policy(), random_fraction()); return;  // give_up_for_now() applies it
  }
  parts_.queue.set_limits(destination, limits);
}

BounceContext Engine::bounce_context() const {
  auto postmaster = postmaster_of(parts_.directory, parts_.hostname);
  return {.reporting_mta = parts_.hostname, .postmaster = std::move(postmaster), .return_limit = static_cast<std::uint64_t>(kReturnLimit.get())};
}

}  // namespace posthorn::delivery
