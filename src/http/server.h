// A server for pages that are made when they are asked for: GET and HEAD, nothing else.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "async/task.h"
#include "http/client.h"
#include "net/connection.h"

namespace posthorn::http {

struct Request {
  std::string method;       // "GET", "HEAD"
  std::string host;         // as it came, with a port or without; that of the target counts more than the field [RFC9112 3.2.2]
  std::string path, query;  // as they came: not decoded
};

struct ServerLimits {
  std::size_t header = 8 << 10;
  std::size_t connections = 64;
  std::size_t requests = 1000;                // on one connection
  std::chrono::milliseconds idle{60'000};     // between requests
  std::chrono::milliseconds request{10'000};  // from the first byte of a request to the end of its header
  std::chrono::milliseconds send{30'000};
};

// What is answered: status, content_type, body.  It may wait; it does not throw.
using Handler = std::function<Task<Response>(Request)>;

// Serves connections that somebody else has accepted, TLS included.  Threads: any, each connection on its own reactor.  Outlives them.
//
// 1. Other methods get 405, a request with a body 413, one connection too many 503; after any error the connection is closed.
// 2. A connection is kept for more requests as HTTP/1.1 says. [RFC9112 9.3]
class Service {
 public:
  explicit Service(Handler handler, ServerLimits limits = {}) : handler_(std::move(handler)), limits_(limits) {}
  // Ends when the peer has closed, at a limit, or when the connection is shut down.  Does not close it.
  Task<> serve(net::Connection&);

 private:
  Task<Result<bool>> serve_one(net::Connection&, bool is_last);

  const Handler handler_;
  const ServerLimits limits_;
  std::atomic<std::size_t> open_{0};
};

}  // namespace posthorn::http
