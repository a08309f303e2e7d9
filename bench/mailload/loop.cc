#include "loop.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mailload {

thread_local Loop* L = nullptr;
// Of each thread, with a library context of its own: the locks that OpenSSL 3.0 shares between threads would be a tenth of the
// generator's time, and the server that is measured would wait for it.
static SSL_CTX* tls_context() {
  thread_local SSL_CTX* ctx = [] {
    auto* made = SSL_CTX_new_ex(OSSL_LIB_CTX_new(), nullptr, TLS_client_method());
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    return made;
  }();
  return ctx;
}

void Conn::open_tcp(const string& host, int port) {
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw Bad(string("socket: ") + strerror(errno));
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(uint16_t(port));
  inet_pton(AF_INET, host.c_str(), &a.sin_addr);
  epoll_event e{};
  e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  e.data.ptr = this;
  int rc = connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a);
  if (rc == 0)
    connected_event = true;
  else if (errno != EINPROGRESS)
    err = string("connect: ") + strerror(errno);
  epoll_ctl(L->ep, EPOLL_CTL_ADD, fd, &e);
}

int Conn::fill(size_t hint) {
  if (r == w) r = w = scan = 0;
  if (buf.size() - w < 4096) {
    if (r > 0) {
      memmove(buf.data(), buf.data() + r, w - r);
      w -= r;
      scan = scan > r ? scan - r : 0;
      r = 0;
    }
    if (buf.size() - w < 4096) buf.resize(buf.size() * 2);
  }
  if (hint > 65536 && buf.size() < 262144) buf.resize(262144);
  ssize_t n;
  if (ssl) {
    ERR_clear_error();
    n = SSL_read(ssl, buf.data() + w, int(buf.size() - w));
    if (n <= 0) {
      int e = SSL_get_error(ssl, int(n));
      if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return 0;
      err = e == SSL_ERROR_ZERO_RETURN ? "eof" : "tls read error";
      return -1;
    }
  } else {
    n = read(fd, buf.data() + w, buf.size() - w);
    if (n == 0) {
      err = "eof";
      return -1;
    }
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return 0;
      err = string("read: ") + strerror(errno);
      return -1;
    }
  }
  w += size_t(n);
  rx += n;
  if (size_t(n) > 6000 && buf.size() < 65536) {
    buf.resize(65536);
  }
  return int(n);
}

bool Conn::attempt() {
  if (!err.empty()) return true;
  switch (want) {
    case NONE:
      return true;
    case CONNECT: {
      if (!connected_event) return false;
      int e = 0;
      socklen_t l = sizeof e;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &l);
      if (e) err = string("connect: ") + strerror(e);
      return true;
    }
    case HANDSHAKE: {
      ERR_clear_error();
      int n = SSL_connect(ssl);
      if (n == 1) return true;
      int e = SSL_get_error(ssl, n);
      if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return false;
      err = "tls handshake failed";
      return true;
    }
    case LINE:
      for (;;) {
        if (w > scan) {
          if (void* p = memchr(buf.data() + scan, '\n', w - scan)) {
            line_end = size_t(static_cast<char*>(p) - buf.data());
            return true;
          }
          scan = w;
        }
        int k = fill(w - r);
        if (k < 0) return true;
        if (k == 0) return false;
      }
    case SKIP:
      for (;;) {
        size_t have = std::min(w - r, need);
        r += have;
        need -= have;
        if (scan < r) scan = r;
        if (!need) return true;
        int k = fill(need);
        if (k < 0) return true;
        if (k == 0) return false;
      }
    case BYTES:
      while (w - r < need) {
        int k = fill(need);
        if (k < 0) return true;
        if (k == 0) return false;
      }
      return true;
    case FLUSH:
      while (outpos < out.size()) {
        ssize_t n;
        if (ssl) {
          ERR_clear_error();
          n = SSL_write(ssl, out.data() + outpos, int(std::min<size_t>(out.size() - outpos, 1 << 20)));
          if (n <= 0) {
            int e = SSL_get_error(ssl, int(n));
            if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return false;
            err = "tls write error";
            return true;
          }
        } else {
          n = send(fd, out.data() + outpos, out.size() - outpos, MSG_NOSIGNAL);
          if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) return false;
            err = string("write: ") + strerror(errno);
            return true;
          }
        }
        outpos += size_t(n);
      }
      out.clear();
      outpos = 0;
      return true;
  }
  return true;
}

void Conn::start_tls() {
  ssl = SSL_new(tls_context());
  SSL_set_fd(ssl, fd);
  SSL_set_connect_state(ssl);
}

void Loop::run() {
  std::vector<epoll_event> ev(512);
  int64_t last_scan = now_ns();
  while (active > 0) {
    int64_t n = now_ns();
    int tmo = 200;
    if (!ready.empty())
      tmo = 0;
    else if (!timers.empty())
      tmo = int(std::clamp<int64_t>((timers.top().at - n + 999999) / 1000000, 0, 200));
    int k = epoll_wait(ep, ev.data(), int(ev.size()), tmo);
    for (int i = 0; i < k; i++) {
      Conn* c = static_cast<Conn*>(ev[size_t(i)].data.ptr);
      if (c->want == Conn::CONNECT && (ev[size_t(i)].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        c->connected_event = true;
      if (c->h && c->attempt()) {
        auto hh = std::exchange(c->h, {});
        hh.resume();
      }
    }
    for (auto hh : std::exchange(ready, {})) hh.resume();
    n = now_ns();
    while (!timers.empty() && timers.top().at <= n) {
      auto hh = timers.top().h;
      timers.pop();
      hh.resume();
    }
    if (n - last_scan > 500000000) {
      last_scan = n;
      std::vector<Conn*> late;
      for (auto* c : conns)
        if (c->h && c->deadline < n) late.push_back(c);
      for (auto* c : late) {
        if (!c->h) continue;
        c->err = "timeout";
        auto hh = std::exchange(c->h, {});
        hh.resume();
      }
    }
    grave.clear();
  }
  grave.clear();
}

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};
static Detached run_detached(Task<void> t) {
  L->active++;
  try {
    co_await t;
  } catch (const std::exception& e) {
    L->st.err(string("worker: ") + e.what());
  }
  L->active--;
}

void spawn(Task<void> t) { run_detached(std::move(t)); }

}  // namespace mailload
