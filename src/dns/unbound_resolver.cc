#include "dns/unbound_resolver.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "dns/pending.h"
#include "dns/unbound_context.h"

namespace posthorn::dns {
namespace {

constexpr int kClassIn = 1;
constexpr std::size_t kQueuePerQuery = 16;

Counter queries{"dns.queries", "Look-ups in the DNS, those that the cache answered included."};
Counter failures{"dns.failures", "Look-ups in the DNS that ended without a definite answer."};
Gauge under_way{"dns.queries_under_way", "Look-ups in the DNS that libunbound is working on."};

}  // namespace

struct UnboundResolver::Impl {
  struct Job {
    Name name;
    Type type{};
    std::shared_ptr<Pending> pending;
  };
  // What libunbound's callback is given; lives until then, or as long as the context.
  struct Asked {
    Impl* impl;
    std::uint64_t id;
    Job job;
    GaugeHold hold{under_way};
  };

  Impl(UnboundContext made, const ResolverOptions& options, int wake_by)
      : context(std::move(made)), max_queries(options.max_queries), validate(options.validate), wake_fd(wake_by) {}

  // --- any thread
  bool enqueue(Job);  // false: too many wait
  void wake() { ::eventfd_write(wake_fd.fd(), 1); }

  // --- the thread
  void run();
  void ask_next();
  void ask(Job);
  void process();
  void finish_all(Status, std::string_view why);
  static void answered(void* asked, int error, ub_result* result);

  UnboundContext context;  // the thread's, once that runs
  const std::size_t max_queries;
  const bool validate;
  const FileDescriptor wake_fd;
  std::thread thread;
  std::unordered_map<std::uint64_t, std::unique_ptr<Asked>> asked;  // the thread's
  std::uint64_t next_id = 0;                                        // the thread's
  bool broken = false;                                              // the thread's: libunbound's thread has gone

  std::mutex mutex;
  std::deque<Job> queue;  // guarded by mutex
  bool shut_down = false, ending = false;
};

UnboundResolver::UnboundResolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::open(const ResolverOptions& options) {
  TRY(auto context, make_unbound_context(options));
  auto impl = std::make_unique<Impl>(std::move(context), options, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (impl->wake_fd.fd() < 0) return fail(Errc::io, "dns: no more file descriptors");
  // The threads of the DNS are not to be the ones that signals interrupt; libunbound's is a child of ours and inherits the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(std::move(impl)));
}

UnboundResolver::~UnboundResolver() {
  shut_down();
  {
    std::lock_guard hold(impl_->mutex);
    impl_->ending = true;
  }
  impl_->wake();
  impl_->thread.join();
}

void UnboundResolver::shut_down() {
  {
    std::lock_guard hold(impl_->mutex);
    impl_->shut_down = true;
  }
  impl_->wake();
}

Task<Reply> UnboundResolver::query(Name name, Type type, Deadline deadline) {
  queries.add();
  auto pending = std::make_shared<Pending>();
  Impl::Job job{name, type, pending};
  if (!impl_->enqueue(std::move(job))) {
    failures.add();
    co_return no_reply(Status::servfail, "too many look-ups are waiting");
  }
  Reply reply = co_await Pending::wait(pending, deadline);
  if (!is_definite(reply.status)) {
    failures.add();
    log::debug("dns.failed", {{"name", name.text()}, {"type", to_string(type)}, {"status", to_string(reply.status)}, {"why", reply.why}});
  }
  if (!impl_->validate) reply.dnssec = Dnssec::indeterminate;
  co_return reply;
}

bool UnboundResolver::Impl::enqueue(Job job) {
  {
    std::lock_guard hold(mutex);
    if (shut_down) {
      job.pending->finish(no_reply(Status::cancelled, "shutting down"));
      return true;
    }
    if (queue.size() >= kQueuePerQuery * max_queries) {
      std::erase_if(queue, [](const Job& waiting) { return waiting.pending->is_finished(); });
      if (queue.size() >= kQueuePerQuery * max_queries) return false;
    }
    queue.push_back(std::move(job));
  }
  wake();
  return true;
}

void UnboundResolver::Impl::run() {
  for (;;) {
    ask_next();
    {
      std::lock_guard hold(mutex);
      if (ending) break;
    }
    pollfd ready[] = {{wake_fd.fd(), POLLIN, 0}, {broken ? -1 : ub_fd(context.get()), POLLIN, 0}};
    ::poll(ready, 2, -1);
    eventfd_t count = 0;
    if (ready[0].revents) ::eventfd_read(wake_fd.fd(), &count);
    if (ready[1].revents) process();
  }
  context.reset();  // before `asked`, which it points to
}

// Runs the callbacks of what has been answered.
void UnboundResolver::Impl::process() {
  const int error = ub_process(context.get());
  if (error == UB_NOERROR) return;
  broken = true;
  log::error("dns.broken", {{"reason", ub_strerror(error)}, {"hint", "no more look-ups until the server is started again"}});
  finish_all(Status::servfail, "libunbound has stopped");
  asked.clear();
}

void UnboundResolver::Impl::finish_all(Status status, std::string_view why) {
  for (auto& [id, one] : asked) one->job.pending->finish(no_reply(status, std::string(why)));
}

// Hands over as many questions as there are places; when shut down, ends them all instead.
void UnboundResolver::Impl::ask_next() {
  std::unique_lock hold(mutex);
  if (shut_down) {
    for (auto& job : queue) job.pending->finish(no_reply(Status::cancelled, "shutting down"));
    queue.clear();
    finish_all(Status::cancelled, "shutting down");
    return;
  }
  while (!queue.empty() && asked.size() < max_queries) {
    Job job = std::move(queue.front());
    queue.pop_front();
    if (job.pending->is_finished()) continue;
    hold.unlock();
    ask(std::move(job));
    hold.lock();
  }
}

void UnboundResolver::Impl::ask(Job job) {
  const auto id = next_id++;
  auto& one = *asked.emplace(id, std::make_unique<Asked>(this, id, std::move(job))).first->second;
  const std::string name = one.job.name.text();
  int error = UB_PIPE;
  if (!broken)
    error = ub_resolve_async(context.get(), name.c_str(), static_cast<int>(one.job.type), kClassIn, &one, answered, nullptr);
  if (error == UB_NOERROR) return;
  one.job.pending->finish(no_reply(Status::servfail, std::string("libunbound: ") + ub_strerror(error)));
  asked.erase(id);
}

void UnboundResolver::Impl::answered(void* pointer, int error, ub_result* raw) {
  const UnboundResult result(raw);
  auto& one = *static_cast<Asked*>(pointer);
  one.job.pending->finish(error || !result ? no_reply(Status::servfail, std::string("libunbound: ") + ub_strerror(error))
                                           : reply_from(one.job.name, *result));
  one.impl->asked.erase(one.id);
}

Task<DnssecProbe> probe_dnssec(Resolver& resolver, Deadline deadline) {
  const Reply reply = co_await resolver.query(Name(), Type::txt, deadline);
  if (reply.status == Status::bogus) co_return DnssecProbe::stripped;
  if (!is_definite(reply.status)) co_return DnssecProbe::unreachable;
  co_return reply.dnssec == Dnssec::secure ? DnssecProbe::works : DnssecProbe::off;
}

}  // namespace posthorn::dns
