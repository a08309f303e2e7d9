#include "sync_alarms.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "sync_session.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;

constexpr auto kTogether = 200ms;  // changes that come at once are carried at once

const sigset_t& ending_signals() {
  static const sigset_t set = [] {
    sigset_t out;
    sigemptyset(&out);
    sigaddset(&out, SIGINT);
    sigaddset(&out, SIGTERM);
    return out;
  }();
  return set;
}

}  // namespace

void block_ending_signals() { pthread_sigmask(SIG_BLOCK, &ending_signals(), nullptr); }
void allow_ending_signals() { pthread_sigmask(SIG_UNBLOCK, &ending_signals(), nullptr); }

Alarms::Alarms(sync::TreeWatch& watch, Reactor& reactor)
    : watch_(watch), reactor_(reactor), signals_(::signalfd(-1, &ending_signals(), SFD_CLOEXEC)), end_(::eventfd(0, EFD_CLOEXEC)) {}

Alarms::~Alarms() {
  const std::uint64_t one = 1;
  (void)!::write(end_.fd(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Alarms::start() { thread_ = std::thread([this] { work(); }); }

void Alarms::work() {
  for (;;) {
    pollfd fds[] = {{end_.fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {watch_.fd(), POLLIN, 0}};
    if (::poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents) return;
    if (fds[1].revents) {
      post(&Alarms::stop);
      return;
    }
    // They are taken by the reactor, which alone touches the watch; until then there is nothing new to say.
    post(&Alarms::hear);
    std::this_thread::sleep_for(kTogether);
  }
}

// What is posted may come when nobody watches any more.
void Alarms::post(void (Alarms::*act)()) {
  reactor_.post([self = weak_from_this(), act] {
    if (const auto alarms = self.lock()) ((*alarms).*act)();
  });
}

void Alarms::stop() {
  stopped_ = true;
  if (connection_) connection_->shut_down();
}

void Alarms::hear() {
  if (!watch_.drain()) return;
  changed_ = true;
  if (connection_) connection_->wake();
}

}  // namespace posthorn
