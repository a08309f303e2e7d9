#include <gtest/gtest.h>

#include <functional>

#include "async/reactor.h"
#include "async/task_group.h"
#include "http/client.h"
#include "http/readers.h"
#include "http/server.h"
#include "net/certificate_testing.h"
#include "net/listener.h"

namespace posthorn::http {
namespace {

using namespace std::chrono_literals;

// --- the server, over a pair of sockets

Response page(std::string body) { return {.status = 200, .content_type = "text/plain", .location = {}, .body = std::move(body)}; }

Task<Response> echo(Request r) {
  if (r.path == "/none") co_return Response{.status = 404, .content_type = {}, .location = {}, .body = {}};
  co_return page(r.method + ' ' + r.path + '?' + r.query);
}

Task<> serve_and_close(Service& service, net::Connection& connection) {
  co_await service.serve(connection);
  connection.close();
}

// Everything the server says to these bytes, in two pieces.  When it waits for more, the client leaves.
Task<std::string> answers_to(std::string sent, std::size_t cut, ServerLimits limits) {
  Service service(echo, limits);
  auto pair = net::make_connection_pair();
  TaskGroup group;
  group.spawn(Reactor::current(), serve_and_close(service, *pair.second));
  for (const auto piece : {std::string_view(sent).substr(0, cut), std::string_view(sent).substr(cut)}) {
    pair.first->put(piece);
    [[maybe_unused]] const auto flushed = co_await pair.first->flush(after(5s));
    co_await sleep_for(1ms);
  }
  std::string out;
  for (;;) {
    const auto more = co_await pair.first->read_more(after(200ms));
    out += pair.first->input();
    pair.first->consume(pair.first->input().size());
    if (!more) break;
  }
  pair.first->close();
  co_await group.join();
  co_return out;
}

// Without the date.
std::string outline(std::string answer) {
  for (auto at = answer.find("Date: "); at != answer.npos; at = answer.find("Date: ", at)) answer.erase(at, answer.find("\r\n", at) + 2 - at);
  return answer;
}

std::string said_to(const std::string& sent, std::size_t cut = 0, ServerLimits limits = {}) { return outline(run_task(answers_to(sent, cut, limits))); }

TEST(HttpServer, AnswersAtEverySplit) {
  const std::string request = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: keep-alive\r\n\r\nGET /a?b=c";
  for (std::size_t cut = 0; cut <= request.size(); cut += 3) EXPECT_EQ(said_to(request, cut), answer) << cut;
  EXPECT_EQ(said_to(request + request), answer + answer) << "two at once";
}

TEST(HttpServer, WhatItSaysToWhat) {
  struct Case {
    std::string sent, begin;
  };
  const Case cases[] = {
      {"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"},
      {"GET /none HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 413 "},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 413 "},
      {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\n"},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400 "},
      {"EHLO client\r\n", "HTTP/1.1 400 "},
      {std::string("\x16\x03\x01\x02\x00\x01", 6) + "\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "HTTP/1.1 431 "},
  };
  for (const auto& c : cases) EXPECT_TRUE(said_to(c.sent).starts_with(c.begin)) << c.sent.substr(0, 60) << "\n" << said_to(c.sent);
  EXPECT_FALSE(said_to(cases[0].sent).ends_with("HEAD /a?")) << "HEAD has no body";
}

// [RFC9112 3.2.2]
TEST(HttpServer, TheHostOfARequest) {
  for (const auto& [head, host, path] : std::initializer_list<std::array<std::string, 3>>{
           {"GET /a HTTP/1.1\r\nHost: Example.org:443\r\n", "Example.org:443", "/a"},
           {"GET https://example.net/a HTTP/1.1\r\nHost: example.org\r\n", "example.net", "/a"},
           {"GET https://example.net HTTP/1.1\r\nHost: example.org\r\n", "example.net", "/"},
           {"GET /a://b HTTP/1.1\r\nHost: example.org\r\n", "example.org", "/a://b"},
           {"GET /?a=b://c HTTP/1.1\r\nHost: example.org\r\n", "example.org", "/"},
           {"GET / HTTP/1.0\r\n", "", "/"}}) {
    RequestReader reader(1000);
    ASSERT_TRUE(reader.take(head + "\r\n") && reader.is_done()) << head;
    EXPECT_EQ(reader.request().host, host) << head;
    EXPECT_EQ(reader.request().path, path) << head;
  }
}

TEST(HttpServer, Limits) {
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_TRUE(said_to(request, 0, {.connections = 0}).starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(said_to(request + request, 0, {.requests = 1}).ends_with("Connection: close\r\n\r\nGET /?")) << "one answer, then the end";
  EXPECT_TRUE(said_to("GET / HT", 0, {.request = 20ms}).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(said_to("", 0, {.idle = 20ms}), "") << "who says nothing is told nothing";
}

// --- the client, against a scripted server

struct Scripted {
  std::string answer;                          // as soon as a request has come
  bool closes = true;
  std::shared_ptr<const net::TlsContext> tls;  // null: none
  std::string request;
  std::size_t connections = 0;
};

Task<> play(Scripted& script, int fd, net::Peer peer) {
  ++script.connections;
  net::Connection connection(fd, std::move(peer));
  if (script.tls) {
    const auto ready = co_await connection.start_tls(*script.tls, after(5s));
    if (!ready) co_return;
  }
  while (connection.input().find("\r\n\r\n") == std::string_view::npos) {
    const auto more = co_await connection.read_more(after(5s));
    if (!more) co_return;
  }
  [[maybe_unused]] const auto body = co_await connection.read_more(after(50ms));
  script.request = connection.input();
  connection.put(script.answer);
  [[maybe_unused]] const auto sent = co_await connection.flush(after(5s));
  if (!script.closes) [[maybe_unused]] const auto left = co_await connection.read_more(after(5s));
  connection.close();
}

struct Called {
  Result<Response> result = fail(Errc::invalid, "not called");
  std::string request;
  std::size_t connections = 0;
};

struct Order {
  std::string url = "http://mta-sts.example.org/policy.txt";
  std::string body;  // not empty: POST
  std::vector<std::string> addresses = {"127.0.0.1"};
  ClientLimits limits;
  std::chrono::milliseconds time = 5s;
  std::shared_ptr<const net::TlsContext> trust;
  bool cancel = false;
};

Task<> cancel_soon(Client& client) {
  co_await sleep_for(50ms);
  client.cancel();
}

Task<Called> call(Scripted script, Order order) {
  TaskGroup group;
  auto listener = net::Listener::open(Reactor::current(), {.host = "127.0.0.1", .port = 0, .unix_path = {}}, [&group, &script](int fd, net::Peer peer) {
    group.spawn(Reactor::current(), play(script, fd, std::move(peer)));
  });
  CHECK(listener.has_value());
  (*listener)->start();
  Route route{.addresses = {}, .port = (*listener)->port(), .tls = order.trust};
  for (const auto& a : order.addresses) route.addresses.push_back(IpAddress::parse(a).value());
  Client client;
  if (order.cancel) group.spawn(Reactor::current(), cancel_soon(client));
  auto url = parse_url(order.url).value();
  Called out;
  if (order.body.empty()) out.result = co_await client.get(std::move(url), std::move(route), order.limits, after(order.time));
  else out.result = co_await client.post(std::move(url), std::move(route), "application/json", order.body, after(order.time));
  (*listener)->stop();
  co_await group.join();
  out.request = script.request;
  out.connections = script.connections;
  co_return out;
}

Called called(std::string answer, Order order = {}, std::shared_ptr<const net::TlsContext> tls = {}, bool closes = true) {
  return run_task(call({.answer = std::move(answer), .closes = closes, .tls = std::move(tls)}, std::move(order)));
}

TEST(HttpClient, WhatItSends) {
  EXPECT_EQ(called("HTTP/1.1 204 No Content\r\n\r\n").request,
            "GET /policy.txt HTTP/1.1\r\nHost: mta-sts.example.org\r\nUser-Agent: Posthorn\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(called("HTTP/1.1 201 Created\r\nContent-Length: 999999999\r\n\r\n", {.url = "http://r.example:81/v1?x=y", .body = "{}"}).request,
            "POST /v1?x=y HTTP/1.1\r\nHost: r.example:81\r\nUser-Agent: Posthorn\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(HttpClient, WhatItTakes) {
  struct Case {
    std::string what, answer, got;  // "200 body", or how it failed
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const Case cases[] = {
      {"a length", ok + "Content-Length: 5\r\n\r\nhello", "200 hello"},
      {"chunks", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "200 hello"},
      {"to the end, without TLS", ok + "\r\nhello", "200 hello"},
      {"more than announced", ok + "Content-Length: 5\r\n\r\nhello, and more", "200 hello"},
      {"continue", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi", "200 hi"},
      {"a redirect is not followed", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "301 "},
      {"an error is an answer", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", "500 no"},
      {"cut in the middle", ok + "Content-Length: 50\r\n\r\nhello", "failed: syntax"},
      {"chunks cut", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", "failed: syntax"},
      {"nothing", "", "failed: syntax"},
      {"no HTTP", "220 mx.example.org ESMTP\r\n\r\n", "failed: syntax"},
      {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello", "failed: syntax"},
      {"too long by its length", ok + "Content-Length: 2000\r\n\r\n" + std::string(2000, 'x'), "failed: too large"},
      {"too long by chunks", ok + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n", "failed: too large"},
      {"too long to the end", ok + "\r\n" + std::string(2000, 'x'), "failed: too large"},
      {"an endless extension of a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(40'000, 'a'), "failed: too large"},
      {"an endless trailer", ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(40'000, 'a'), "failed: too large"},
      {"a long header", ok + "X: " + std::string(20'000, 'x') + "\r\n\r\n", "failed: too large"},
      {"endless 1xx", [] { std::string s; for (int i = 0; i < 50; ++i) s += "HTTP/1.1 102 Wait\r\n\r\n"; return s; }(), "failed: too large"},
  };
  for (const auto& c : cases) {
    const auto got = called(c.answer, {.limits = {.body = 1000}});
    const auto text = got.result ? std::to_string(got.result->status) + ' ' + got.result->body : "failed: " + std::string(to_string(got.result.error().code));
    EXPECT_EQ(text, c.got) << c.what << (got.result ? "" : got.result.error().text);
  }
}

// However the network cuts it.
TEST(HttpClient, AnAnswerByteByByte) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body : {"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"})
    for (std::size_t first = 1; first < head.size() + body.size(); ++first) {
      ResponseReader reader(ClientLimits{});
      const std::string answer = head + body;
      std::size_t used = 0;
      for (std::size_t end = first; end <= answer.size() && !reader.is_done(); ++end) {
        const auto taken = reader.take(std::string_view(answer).substr(used, end - used));
        ASSERT_TRUE(taken) << taken.error().text;
        used += *taken;
      }
      ASSERT_TRUE(reader.is_done()) << first;
      EXPECT_EQ(reader.take_response().body, "hello");
    }
  // What is no last chunk after all.
  ResponseReader reader(ClientLimits{});
  const std::string odd = head + "0\r\n";
  const auto used = reader.take(odd);
  ASSERT_TRUE(used);
  EXPECT_TRUE(reader.take(odd.substr(*used) + "\r"));
  EXPECT_FALSE(reader.is_done());
}

TEST(HttpClient, TimeAddressesAndCancelling) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  EXPECT_EQ(called("HTTP/1.1 200 OK\r\n", {.time = 100ms}, {}, false).result.error().code, Errc::timed_out);
  EXPECT_EQ(called("HTTP/1.1 200 OK\r\n", {.cancel = true}, {}, false).result.error().code, Errc::cancelled);
  EXPECT_EQ(called(ok, {.addresses = {}}).result.error().code, Errc::invalid);
  // Nobody listens at the first two.
  EXPECT_EQ(called(ok, {.addresses = {"127.0.0.77", "::1", "127.0.0.1"}}).result.value().body, "hi");
}

TEST(HttpClient, CertificateMustBeThatOfTheHost) {
  const net::TestAuthority authority, other;
  const auto good = authority.issue({.names = {"mta-sts.example.org"}});
  const auto elsewhere = authority.issue({.names = {"mta-sts.example.net"}});
  const auto expired = authority.issue({.names = {"mta-sts.example.org"}, .valid_from = -7200s, .valid_to = -3600s});
  const auto trust = net::test_client_context(authority);
  const Order order{.url = "https://mta-sts.example.org/policy.txt", .trust = trust};
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  EXPECT_EQ(called(ok, order, net::test_server_context(good)).result.value().body, "hi");
  for (const auto& [identity, word] : {std::pair(elsewhere, "mta-sts.example.net"), std::pair(expired, "expired"),
                                       std::pair(other.issue({.names = {"mta-sts.example.org"}}), "")}) {
    const auto refused = called(ok, order, net::test_server_context(identity));
    ASSERT_FALSE(refused.result);
    EXPECT_EQ(refused.result.error().code, Errc::denied);
    EXPECT_NE(refused.result.error().text.find(word), std::string::npos) << refused.result.error().text;
    EXPECT_EQ(refused.request, "") << "nothing is sent";
  }
  auto soon = order;
  soon.time = 200ms;
  EXPECT_FALSE(called(ok, soon).result) << "no TLS at all";
  const auto endless = called("HTTP/1.1 200 OK\r\n\r\nhalf a poli", order, net::test_server_context(good));
  EXPECT_EQ(endless.result.error().code, Errc::syntax) << "whoever can close a connection must not shorten an answer";
}

}  // namespace
}  // namespace posthorn::http
