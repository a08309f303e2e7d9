// One request to a web server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "http/url.h"
#include "net/connect.h"
#include "net/connection.h"
#include "net/tls.h"

namespace posthorn::http {

struct Response {
  unsigned status = 200;
  std::string content_type;
  std::string location;  // of a redirect
  std::string body;
};

struct ClientLimits {
  std::size_t header = 16 << 10;
  std::size_t body = 64 << 10;
};

// Where and how to connect; the name in the URL is not looked up here.
struct Route {
  std::vector<IpAddress> addresses;             // tried in this order until one takes the connection; each gets a share of the time
  std::uint16_t port = 0;                       // 0: that of the URL
  std::shared_ptr<const net::TlsContext> tls;   // for https: the authorities that are believed
};

// Makes one call at a time.  Threads: everything on the reactor's thread.
//
// 1. With https nothing is sent before the certificate is that of the URL's host, by an authority of Route::tls, and valid today. [RFC9110 4.3.4]
// 2. No redirect is followed: an answer of 3xx is the answer.
// 3. Memory: ClientLimits.  Time: the deadline.
//
// Errors: denied: the certificate, in words; timed_out; io, closed: no connection, or it broke; syntax: no HTTP, or cut short; too_large; invalid: no
// address; cancelled.
class Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Under TLS the answer has to say how long it is, for what ends with the connection could have been cut by anybody.
  Task<Result<Response>> get(Url, Route, ClientLimits, Deadline);
  // The body of the answer is not read.
  Task<Result<Response>> post(Url, Route, std::string content_type, std::string body, Deadline);

  // The call under way ends with `cancelled`, and so does every later one.
  void cancel();

 private:
  enum class Want : std::uint8_t { header, all };
  Task<Result<void>> connect(const Url& url, Route route, Deadline);
  Task<Result<Response>> exchange(Url url, Route route, std::string request, ClientLimits, Want, Deadline);
  Task<Result<Response>> call(Url url, Route route, std::string request, ClientLimits, Want, Deadline);
  Task<Result<Response>> read_answer(bool tls, ClientLimits, Want, Deadline);

  net::Connector connector_;
  std::unique_ptr<net::Connection> connection_;
  bool cancelled_ = false;
};

}  // namespace posthorn::http
