#include "app/local_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "app/control.h"
#include "base/file_descriptor.h"
#include "config/core_settings.h"

extern char** environ;  // NOLINT: spawn() wants it

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;

// [RFC3501 7.1.4] What a session says first; anything else is a refusal in JSON.
constexpr std::string_view kGreeting = "* PREAUTH ";

Result<void> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::closed, std::string("the server does not listen: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

constexpr auto kOpening = 5min;   // of a large store, with its write-ahead log to be played
constexpr auto kAnswering = 1min;  // of a server; opening an account reads its mailboxes
constexpr auto kEnding = 1min;

// Whether something can be read from there.
bool wait_for(int fd, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    const int n = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

// What has come, without taking it; as many bytes as the greeting begins with.
Result<std::string> peek(int fd) {
  const timeval patience{.tv_sec = std::chrono::seconds(kAnswering).count(), .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (!wait_for(fd, kAnswering)) return fail(Errc::timed_out, "the server does not answer on its control socket");
  std::string begin(kGreeting.size(), '\0');
  const auto n = ::recv(fd, begin.data(), begin.size(), MSG_PEEK | MSG_WAITALL);
  if (n <= 0) return fail(Errc::closed, "the server went away before it answered");
  begin.resize(static_cast<std::size_t>(n));
  return begin;
}

Error read_refusal(int fd, const std::string& address) {
  std::string text(64 * 1024, '\0');
  const auto n = ::recv(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object && object->contains("code") && object->at("code") == "not_found") return {Errc::not_found, "there is no account " + address + " here"};
  if (!object || !object->contains("error") || !object->at("error").is_string())
    return {Errc::unsupported, "the server that runs does not know this request: it is of another version"};
  return {Errc::io, "cannot open the account " + address + ": " + std::string(object->at("error").get_string())};
}

}  // namespace

LocalStore::LocalStore(const config::Config& config, std::string config_file)
    : path_(control_path(config.data_dir)),
      config_file_(std::move(config_file)),
      in_memory_(config::kStorageBackend.get() == config::StorageBackend::memory) {}

Result<int> LocalStore::connect(const std::string& address) {
  if (address.empty() || address.find_first_of("\r\n") != std::string::npos) return fail(Errc::not_found, "that is no address of an account");
  TRY(const int fd, connect_or_start());
  const auto sent = send_all(fd, "IMAP " + address + "\n");
  auto begin = sent ? peek(fd) : std::unexpected(sent.error());
  if (begin && *begin == kGreeting) return fd;
  auto error = begin ? read_refusal(fd, address) : std::move(begin).error();
  ::close(fd);
  return std::unexpected(std::move(error));
}

Result<std::unique_ptr<LocalStore>> LocalStore::open(const config::Config& config, const std::string& config_file) {
  std::unique_ptr<LocalStore> local(new LocalStore(config, config_file));
  TRY(const int fd, local->connect_or_start());
  ::close(fd);
  return local;
}

// A server that is starting or stopping, and another command's holder that ends, has the store but does not answer.
Result<int> LocalStore::connect_or_start() {
  const std::lock_guard one_at_a_time(starting_);
  for (const auto give_up = std::chrono::steady_clock::now() + 10s;;) {
    TRY(const int fd, connect_control(path_));
    if (fd >= 0) return fd;
    if (in_memory_) return fail(Errc::not_found, "storage.backend is memory, and no server runs: there is no mail");
    end_holder();
    const auto started = start_holder();
    if (!started && (started.error().code != Errc::busy || std::chrono::steady_clock::now() >= give_up)) return std::unexpected(started.error());
  }
}

Result<void> LocalStore::start_holder() {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return fail(Errc::io, std::string("pipe: ") + std::strerror(errno));
  const FileDescriptor in_end(in[0]);
  keep_open_ = in[1];
  if (::pipe2(out, O_CLOEXEC) != 0) return fail(Errc::io, std::string("pipe: ") + std::strerror(errno));
  const FileDescriptor answer(out[0]);
  {
    const FileDescriptor out_end(out[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in_end.fd(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out_end.fd(), STDOUT_FILENO);
    std::string program = "/proc/self/exe", name = "posthorn", verb = "hold-store", option = "--config", file = config_file_;
    char* const arguments[] = {name.data(), verb.data(), option.data(), file.data(), nullptr};
    const int code = ::posix_spawn(&holder_, program.c_str(), &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (code != 0) return fail(Errc::io, std::string("cannot start a process that opens the store: ") + std::strerror(code));
  }
  char ready[6] = {};
  for (std::size_t got = 0; got < sizeof ready;) {
    if (!wait_for(answer.fd(), kOpening)) return fail(Errc::timed_out, "the store was not open after " + std::to_string(kOpening.count()) + " minutes");
    const auto n = ::read(answer.fd(), ready + got, sizeof ready - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::busy, "cannot open the store (what is above says why)");
    got += static_cast<std::size_t>(n);
  }
  return {};
}

void LocalStore::end_holder() {
  if (keep_open_ >= 0) ::close(std::exchange(keep_open_, -1));
  const auto holder = std::exchange(holder_, -1);
  if (holder <= 0) return;
  // What was acknowledged is on the disk: one that hangs may be killed.
  for (const auto give_up = std::chrono::steady_clock::now() + kEnding; ::waitpid(holder, nullptr, WNOHANG) == 0;) {
    if (std::chrono::steady_clock::now() >= give_up) ::kill(holder, SIGKILL);
    std::this_thread::sleep_for(2ms);
  }
}

LocalStore::~LocalStore() { end_holder(); }

}  // namespace posthorn::app
