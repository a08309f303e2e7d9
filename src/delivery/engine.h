// Takes work from the queue and brings it where it belongs.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/reactor.h"
#include "async/task_group.h"
#include "auth/directory.h"
#include "delivery/attempt.h"
#include "delivery/bounce.h"
#include "delivery/connections.h"
#include "delivery/forwarder.h"
#include "delivery/mailbox.h"
#include "delivery/pace.h"
#include "delivery/router.h"
#include "delivery/trace.h"
#include "dns/resolver.h"
#include "queue/queue.h"
#include "store/mail_store.h"

namespace posthorn::delivery {

// All of it outlives the engine.
struct EngineParts {
  queue::Queue& queue;
  store::MailStore& store;
  auth::Directory& directory;
  dns::Resolver& resolver;
  Router& router;
  Paces& paces;
  Forwarder& forwarder;
  Trace& trace;
  StsPolicies* sts = nullptr;
  TlsResults* results = nullptr;  // who counts how TLS went
  std::string hostname;
  std::vector<IpAddress> our_addresses;                         // where this server takes mail at delivery.port
  std::function<std::shared_ptr<const net::TlsContext>()> tls;  // for clients; any thread
  Signatures* signatures = nullptr;                             // null: nothing is signed
};

// INVARIANT 1: a work ends settled, or is dropped because the process ends; it is never settled twice.
// INVARIANT 2: what is reported to a sender is queued in the commit that settles what is reported.
// INVARIANT 3: delivery into a mailbox and the settlement of it are one commit: a crash doubles nothing.
// INVARIANT 4: at most delivery.attempts works are under way.
//
// One coroutine on each reactor takes work; each work is a coroutine of its own there.
// Threads: one thread starts and stops it, and that is no reactor.
class Engine {
 public:
  Engine(ReactorPool&, EngineParts);
  ~Engine();  // REQUIRES: stop() has been called, if it was started
  Engine(const Engine&) = delete;

  // REQUIRES: the queue gives out work, the reactors run.
  void start();
  // Takes no more work and waits for what is under way: attempts that have not begun to send end at once, those that send may finish within
  // `patience`, and who waits for the answer to a whole message may do so a little longer.  Then closes the queue.  Blocking.
  void stop(std::chrono::steady_clock::duration patience);

  std::size_t under_way() const { return under_way_.load(); }

 private:
  struct PerReactor;
  static Task<> dispatch(Engine& engine, PerReactor& here);
  static Task<> serve(Engine& engine, PerReactor& here, queue::Work work);
  Task<> serve_remote(PerReactor& here, queue::Work work, Way way);
  // engine_local.cc
  Task<> serve_local(queue::Work work, Way way);
  struct LocalAttempt;
  Task<> prepare_local(LocalAttempt&, const queue::Work&);
  Task<std::optional<queue::Work>> store_local(LocalAttempt&, queue::Work);
  Task<queue::Settlement> settlement_of_local(LocalAttempt&, const queue::Work&);
  Task<> serve_reports(queue::Work work);
  // What else waits for a destination that cannot be reached gets the same answer.
  Task<> give_up_for_now(std::string destination, Verdict verdict);

  // The outcome with its reports.
  Task<queue::Settlement> settlement_of(const queue::Work& work, const std::vector<Verdict>& verdicts);
  Task<> settle(queue::Work work, queue::Settlement settlement);
  // The same in two steps.
  struct Begun {
    queue::Settling settling;
    std::vector<TraceRecord> records;  // for when it is done
  };
  Task<Result<Begun>> begin_settle(queue::Work work, queue::Settlement settlement);
  static Task<> finish_settle(Engine& engine, queue::EntryId message, Result<Begun> begun);
  // What is told of a work, also when it has been settled.
  struct Subject {
    queue::EntryId message;
    std::string reverse_path;
    std::vector<std::string> recipients;
    std::uint32_t attempt = 0;
    explicit Subject(const queue::Work&);
  };
  static void log_results(const Subject&, const std::vector<queue::Outcome>&, const std::string& host);
  void keep_trace(const Subject&, Dialogue& dialogue);
  void tell_local(const LocalAttempt&, const Subject&, const std::vector<queue::Outcome>&);
  // What the settlement does beyond the attempt: messages that it makes, recipients that are given up.
  static std::vector<TraceRecord> records_of(const queue::Work&, const queue::Settlement&);
  void adapt(const std::string& destination, const Way&, Pressure, SteadyTime began);
  BounceContext bounce_context() const;
  bool wait_until_idle(std::chrono::steady_clock::duration patience);

  ReactorPool& reactors_;
  EngineParts parts_;
  AttemptContext context_;
  std::vector<std::unique_ptr<PerReactor>> per_reactor_;
  TaskGroup dispatchers_, works_;
  std::atomic<std::size_t> under_way_{0};
  std::atomic<bool> stopping_{false};
  bool started_ = false;
};

}  // namespace posthorn::delivery
