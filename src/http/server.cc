#include "http/server.h"

#include <ctime>

#include "base/clock.h"
#include "http/readers.h"

namespace posthorn::http {
namespace {

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    default: return "";  // [RFC9112 4] may be empty
  }
}

// [RFC9110 5.6.7] As a server with a clock must send it [RFC9110 6.6.1].
std::string date_field() {
  const auto seconds = std::chrono::system_clock::to_time_t(now());
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  const auto n = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, n};
}

void put_response(net::Connection& connection, const Response& r, bool with_body, bool keep) {
  std::string head = "HTTP/1.1 " + std::to_string(r.status) + ' ';
  head.append(reason(r.status)).append("\r\nDate: ").append(date_field());
  if (!r.content_type.empty()) head += "\r\nContent-Type: " + r.content_type;
  if (r.status == 405) head += "\r\nAllow: GET, HEAD";
  head += "\r\nContent-Length: " + std::to_string(r.body.size());
  head += keep ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  connection.put(head);
  if (with_body) connection.put(r.body);
}

Response plain(unsigned status, std::string text) { return {.status = status, .content_type = "text/plain; charset=utf-8", .location = {}, .body = std::move(text)}; }

unsigned status_of(const Error& e) {
  if (e.code == Errc::timed_out) return 408;
  if (e.code != Errc::too_large) return 400;
  return e.text.find("body") != e.text.npos ? 413 : 431;
}

bool can_be_answered(const Error& e) { return e.code == Errc::syntax || e.code == Errc::too_large || e.code == Errc::timed_out; }

struct Counted {
  explicit Counted(std::atomic<std::size_t>& n) : count(n), now_open(++n) {}
  ~Counted() { --count; }
  std::atomic<std::size_t>& count;
  const std::size_t now_open;
};

Task<Result<Request>> read_request(net::Connection& connection, const ServerLimits& limits, bool& keep) {
  RequestReader reader(limits.header);
  Deadline deadline = kNoDeadline;
  for (;;) {
    CO_TRY(const auto used, reader.take(connection.input()));
    connection.consume(used);
    if (reader.is_done()) break;
    if (deadline == kNoDeadline) deadline = after(limits.request);
    CO_TRY_OK(co_await connection.read_more(deadline));
  }
  keep = reader.keeps_alive();
  co_return reader.request();
}

}  // namespace

// true: another request may follow.
Task<Result<bool>> Service::serve_one(net::Connection& connection, bool is_last) {
  if (connection.input().empty()) CO_TRY_OK(co_await connection.read_more(after(limits_.idle)));
  bool keep = false;
  auto request = co_await read_request(connection, limits_, keep);
  if (!request && !can_be_answered(request.error())) co_return std::unexpected(std::move(request).error());
  bool with_body = true;
  Response response;
  if (!request) {
    response = plain(status_of(request.error()), request.error().text + "\n");
  } else if (request->method != "GET" && request->method != "HEAD") {
    response = plain(405, "GET and HEAD only\n");
  } else {
    with_body = request->method == "GET";
    response = co_await handler_(*std::move(request));
    keep = keep && !is_last && !connection.is_shut_down();
    put_response(connection, response, with_body, keep);
    CO_TRY_OK(co_await connection.flush(after(limits_.send)));
    co_return keep;
  }
  put_response(connection, response, with_body, false);
  CO_TRY_OK(co_await connection.flush(after(limits_.send)));
  co_return false;
}

Task<> Service::serve(net::Connection& connection) {
  const Counted counted(open_);
  if (counted.now_open > limits_.connections) {
    put_response(connection, plain(503, "too many connections\n"), true, false);
    [[maybe_unused]] const auto sent = co_await connection.flush(after(limits_.send));
    co_return;
  }
  for (std::size_t n = 1;; ++n) {
    const auto again = co_await serve_one(connection, n >= limits_.requests);
    if (!again || !*again) co_return;
  }
}

}  // namespace posthorn::http
