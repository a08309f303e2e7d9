// mailload: a load generator for mail servers (SMTP, LMTP, POP3, IMAP), loopback only.  The flags are in
// ../README.md.
//
// One process, --threads event loops.  Every reply code is checked; a wrong reply, a short read, a timeout or
// a missing message is an error.  One line of JSON per run on stdout; exit status 1 when there was any error.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "messages.h"
#include "modes.h"
#include "report.h"
#include "sink.h"
#include "smtp.h"
#include "verify.h"

namespace mailload {
namespace {

int print_memory() {
  const auto t = read_tree(O.server_pids, true);
  printf("{\"mode\":\"pss\",\"procs\":%d,\"pss_kb\":%ld,\"rss_kb\":%ld,\"anon_kb\":%ld,\"cpu_s\":%.2f}\n",
         t.procs, long(t.pss_kb), long(t.rss_kb), long(t.anon_kb), t.cpu);
  return 0;
}

void prepare() {
  if (O.mode == "lmtp") O.lmtp = true, O.mode = "smtp";
  if (O.users < 1 || O.conns < 1 || O.port == 0) usage();
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  build_pool();
  g_total = O.messages ? O.messages : O.count;
  if (O.mode == "imap-idle") g_total = O.conns;
  if (O.mode == "pop3" && !O.count) g_total = O.users;
  if (O.mode == "notify") {
    O.threads = 1;
    prepare_notify(O.conns);
  }
  g_sent = std::vector<std::atomic<int64_t>>(size_t(O.users));
  g_steps.resize(size_t(O.conns));
}

// The workers of one thread, on their loop.
class Thread {
 public:
  Thread(int number, Loop& loop) : number_(number), loop_(loop) {}

  void run_all() {
    if (O.mode == "smtp")
      each(O.conns, smtp_worker);
    else if (O.mode == "smtp-conn")
      each(O.conns, smtp_conn_worker);
    else if (O.mode == "pop3")
      each(O.conns, pop3_worker);
    else if (O.mode == "pop3-login")
      each(O.conns, [](int i) { return login_worker(i, true); });
    else if (O.mode == "imap-login")
      each(O.conns, [](int i) { return login_worker(i, false); });
    else if (O.mode == "imap-append")
      each(O.conns, append_worker);
    else if (O.mode == "imap-fetch")
      each(O.conns, fetch_worker);
    else if (O.mode == "imap-mixed")
      each(O.conns, mixed_worker);
    else if (O.mode == "notify") {
      each(O.conns, listener);
      spawn(notify_sender());
    } else
      usage();
    loop_.run();
  }

  void open_idle() {
    each(std::min(O.ramp, O.conns), [this](int) { return idle_opener(&held_); });
    loop_.run();
  }

  void close_idle() {
    for (size_t i = 0; i < 32; i++) spawn(idle_done(&held_, i, 32));
    loop_.run();
    held_.clear();
    loop_.grave.clear();
  }

 private:
  void each(int n, auto f) {
    for (int i = number_; i < n; i += O.threads) spawn(f(i));
  }

  int number_;
  Loop& loop_;
  Held held_;  // connections in IDLE
};

// Runs the workers of all threads; what they counted is added to `all`.
void run_threads(Outcome& o, Stats& all) {
  const bool idle = O.mode == "imap-idle";
  std::mutex mu;
  std::atomic<int> opened{0}, may_close{0};
  const int64_t t0 = now_ns();
  auto body = [&](int number) {
    Loop loop;
    L = &loop;
    Thread thread(number, loop);
    if (idle) {
      thread.open_idle();
      opened++;
      while (!may_close) usleep(20000);
      thread.close_idle();
    } else {
      thread.run_all();
    }
    std::lock_guard g(mu);
    all.merge(loop.st);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < O.threads; t++) threads.emplace_back(body, t);
  if (idle) {
    while (opened < O.threads) usleep(5000);
    o.elapsed = double(now_ns() - t0) / 1e9;
    usleep(useconds_t(O.hold * 1e6));
    o.held = read_tree(O.server_pids, true);
    may_close = 1;
  }
  for (auto& t : threads) t.join();
  if (!idle) o.elapsed = double(now_ns() - t0) / 1e9;
}

// Runs verify_open and its sisters for all users, on a loop of their own.
void verify_run(Loop& loop, auto step_of) {
  L = &loop;
  const int step = std::min(O.users, 8);
  for (int i = 0; i < step; i++) spawn(step_of(i, step));
  loop.run();
  L = nullptr;
}

void wait_for_delivery(Loop& loop, int64_t t0, Outcome& o, Stats& all) {
  const int64_t until = now_ns() + int64_t(O.verify_timeout * 1e9);
  verify_run(loop, [until](int i, int n) { return verify_poll(i, n, until); });
  o.e2e = double(now_ns() - t0) / 1e9;
  int64_t expect = 0;
  for (auto& x : g_sent) expect += x;
  o.delivered = 0;
  for (auto& v : g_v) o.delivered += v.after - v.before;
  if (o.delivered != expect)
    all.err("delivered " + std::to_string(o.delivered) + " != sent " + std::to_string(expect));
}

int measure() {
  Stats all;
  Loop verify_loop;
  if (O.verify_port) {
    g_v.resize(size_t(O.users));
    verify_run(verify_loop, [](int i, int n) { return verify_open(i, n); });
  }
  Outcome o;
  o.before = read_tree(O.server_pids, O.mode == "imap-idle");
  o.disk_before = read_disk();
  const double gen = self_cpu(), busy = busy_cpu();
  const int64_t t0 = now_ns();
  run_threads(o, all);
  o.gen_cpu = self_cpu() - gen;
  if (O.verify_port) wait_for_delivery(verify_loop, t0, o, all);
  o.after = read_tree(O.server_pids, false);
  o.disk_after = read_disk();
  o.other_cpu = busy_cpu() - busy - (o.after.cpu - o.before.cpu) - (self_cpu() - gen);
  o.wall = double(now_ns() - t0) / 1e9;
  if (O.verify_port) {
    verify_run(verify_loop, [](int i, int n) { return verify_close(i, n); });
    all.merge(verify_loop.st);
  }
  puts(report_json(o, all).c_str());
  return all.errors ? 1 : 0;
}

}  // namespace
}  // namespace mailload

int main(int argc, char** argv) {
  using namespace mailload;
  signal(SIGPIPE, SIG_IGN);
  parse_options(argc, argv);
  if (O.mode == "pss") return print_memory();
  if (O.mode == "sink") return run_sink();
  prepare();
  return measure();
}
