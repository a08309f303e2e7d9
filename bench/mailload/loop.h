// An event loop (epoll, edge-triggered) for coroutines, and connections on it, with or without TLS.
#pragma once

#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <coroutine>
#include <memory>
#include <queue>
#include <set>
#include <vector>

#include "stats.h"
#include "task.h"

namespace mailload {

struct Conn;
struct Loop {
  int ep = epoll_create1(EPOLL_CLOEXEC);
  int active = 0;
  std::vector<std::unique_ptr<Conn>> grave;
  std::set<Conn*> conns;
  struct Timer {
    int64_t at;
    std::coroutine_handle<> h;
    bool operator<(const Timer& o) const { return at > o.at; }
  };
  std::priority_queue<Timer> timers;
  std::vector<std::coroutine_handle<>> ready;  // gave way to the others
  Stats st;
  ~Loop() { close(ep); }
  void run();
};
extern thread_local Loop* L;  // of this thread

struct Sleep {
  double sec;
  bool await_ready() { return sec <= 0; }
  void await_suspend(std::coroutine_handle<> h) { L->timers.push({now_ns() + int64_t(sec * 1e9), h}); }
  void await_resume() {}
};

// lets the other connections go first; without it a fast server would keep one connection busy and starve the
// rest
struct Yield {
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) { L->ready.push_back(h); }
  void await_resume() {}
};

struct Conn {
  enum Want { NONE, CONNECT, HANDSHAKE, LINE, SKIP, BYTES, FLUSH };
  int fd = -1;
  SSL* ssl = nullptr;
  std::vector<char> buf;
  size_t r = 0, w = 0, scan = 0, line_end = 0, need = 0;
  string out;
  size_t outpos = 0;
  std::coroutine_handle<> h;
  Want want = NONE;
  string err;
  int64_t deadline = 0, rx = 0;
  bool connected_event = false;
  int tagno = 0;
  string capa;

  Conn() : buf(8192) { L->conns.insert(this); }
  ~Conn() {
    L->conns.erase(this);
    if (ssl) SSL_free(ssl);
    if (fd >= 0) close(fd);
  }
  void open_tcp(const string& host, int port);
  // >0 data, 0 would block, -1 error/EOF
  int fill(size_t hint);
  bool attempt();
  struct Op {
    Conn& c;
    double tmo;
    bool await_ready() { return c.attempt(); }
    void await_suspend(std::coroutine_handle<> hh) {
      c.h = hh;
      c.deadline = now_ns() + int64_t(tmo * 1e9);
    }
    void await_resume() {
      c.want = NONE;
      if (!c.err.empty()) throw Bad(c.err);
    }
  };
  struct LineOp : Op {
    string_view await_resume() {
      c.want = NONE;
      if (!c.err.empty()) throw Bad(c.err);
      size_t b = c.r, e = c.line_end;
      c.r = c.scan = e + 1;
      if (e > b && c.buf[e - 1] == '\r') e--;
      return string_view(c.buf.data() + b, e - b);
    }
  };
  struct BytesOp : Op {
    string_view await_resume() {
      c.want = NONE;
      if (!c.err.empty()) throw Bad(c.err);
      size_t b = c.r;
      c.r += c.need;
      c.scan = c.r;
      return string_view(c.buf.data() + b, c.need);
    }
  };
  Op op(Want x) {
    want = x;
    return Op{*this, O.timeout};
  }
  LineOp line(double tmo = 0) {
    want = LINE;
    return LineOp{{*this, tmo > 0 ? tmo : O.timeout}};
  }
  Op skip(size_t n) {
    need = n;
    want = SKIP;
    return Op{*this, O.timeout};
  }
  BytesOp bytes(size_t n) {
    need = n;
    want = BYTES;
    return BytesOp{{*this, O.timeout}};
  }
  Op flush() { return op(FLUSH); }
  void start_tls();
};
// RAII owner: the object is freed after the current epoll batch.
struct CP {
  Conn* c = nullptr;
  CP() : c(new Conn) {}
  CP(const CP&) = delete;
  CP(CP&& o) noexcept : c(std::exchange(o.c, nullptr)) {}
  ~CP() {
    if (c) {
      c->h = {};
      if (c->fd >= 0) epoll_ctl(L->ep, EPOLL_CTL_DEL, c->fd, nullptr);
      L->grave.emplace_back(c);
    }
  }
  Conn* operator->() { return c; }
  Conn& operator*() { return *c; }
};

// Runs a task on the loop of this thread; what it throws is counted as an error.
void spawn(Task<void> t);

}  // namespace mailload
