#include "sink.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <unordered_map>
#include <utility>

#include "options.h"

namespace mailload {
namespace {

constexpr string_view kEndOfData = "\r\n.\r\n";

class Session {
 public:
  // Answers to what is in `in`; false: the client has said QUIT.
  bool answer(string_view bytes, string& out, int64_t& messages) {
    in_ += bytes;
    size_t at = 0;
    bool open = true;
    while (open && (in_data_ ? take_data(at, out, messages) : take_command(at, out, open))) {}
    in_.erase(0, at);
    if (in_data_) searched_ = in_.size() > kEndOfData.size() ? in_.size() - kEndOfData.size() : 0;
    return open;
  }

 private:
  bool take_data(size_t& at, string& out, int64_t& messages) {
    const size_t end = in_.find(kEndOfData, at + std::exchange(searched_, 0));
    if (end == string::npos) return false;
    at = end + kEndOfData.size();
    in_data_ = false;
    messages++;
    out += "250 2.0.0 thrown away\r\n";
    return true;
  }
  bool take_command(size_t& at, string& out, bool& open) {
    const size_t end = in_.find('\n', at);
    if (end == string::npos) return false;
    const string_view line = string_view(in_).substr(at, end - at);
    at = end + 1;
    if (line.starts_with("EHLO")) {
      out += "250-sink\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n";
    } else if (line.starts_with("DATA")) {
      out += "354 go\r\n";
      in_data_ = true;
      searched_ = 0;
    } else if (line.starts_with("QUIT")) {
      out += "221 2.0.0 bye\r\n";
      open = false;
    } else {
      out += "250 2.1.0 ok\r\n";
    }
    return true;
  }

  string in_;
  bool in_data_ = false;
  size_t searched_ = 0;  // of in_, behind which the end of the data is looked for
};

int listen_on(int poll) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(uint16_t(O.port));
  inet_pton(AF_INET, O.host.c_str(), &address.sin_addr);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) || listen(fd, 4096)) return -1;
  epoll_event e{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
  return fd;
}

void accept_all(int listener, int poll, std::unordered_map<int, Session>& sessions) {
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sessions[fd];
    epoll_event e{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
    constexpr string_view kGreeting = "220 sink ESMTP\r\n";
    if (!O.hang && write(fd, kGreeting.data(), kGreeting.size()) < 0) perror("sink: write");
  }
}

}  // namespace

int run_sink() {
  const int poll = epoll_create1(EPOLL_CLOEXEC), listener = listen_on(poll);
  if (listener < 0) {
    perror("sink: listen");
    return 2;
  }
  std::unordered_map<int, Session> sessions;
  static char buffer[262144];
  int64_t messages = 0, first = 0, last = 0;
  const int64_t until = now_ns() + int64_t(O.timeout * 1e9);
  while ((O.hang || messages < O.messages) && now_ns() < until) {
    epoll_event events[64];
    const int count = epoll_wait(poll, events, 64, 200);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener, poll, sessions);
        continue;
      }
      const ssize_t got = read(fd, buffer, sizeof buffer);
      if (got < 0 && errno == EAGAIN) continue;
      string out;
      const int64_t before = messages;
      bool open = got > 0;
      if (open && !O.hang) open = sessions[fd].answer({buffer, size_t(got)}, out, messages);
      if (messages != before) last = now_ns();
      if (messages && !first) first = last;
      if (!out.empty() && write(fd, out.data(), out.size()) < 0) open = false;
      if (!open) {
        close(fd);
        sessions.erase(fd);
      }
    }
  }
  printf("{\"ok\": %lld, \"first\": %.6f, \"last\": %.6f}\n", static_cast<long long>(messages), double(first) / 1e9, double(last) / 1e9);
  return messages >= O.messages ? 0 : 1;
}

}  // namespace mailload
