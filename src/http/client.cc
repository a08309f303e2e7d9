#include "http/client.h"

#include <algorithm>
#include <chrono>

#include "http/readers.h"

namespace posthorn::http {
namespace {

using namespace std::chrono_literals;

// A dead address does not use up the time of those behind it.
Deadline share_of(Deadline all, std::size_t addresses_left) {
  const auto left = all - std::chrono::steady_clock::now();
  return std::min(all, after(std::max<std::chrono::steady_clock::duration>(left / static_cast<int>(addresses_left), 500ms)));
}

std::string head_of(std::string_view method, const Url& url) {
  std::string out;
  out.append(method).append(" ").append(url.target).append(" HTTP/1.1\r\nHost: ").append(url.authority());
  return out.append("\r\nUser-Agent: Posthorn\r\nConnection: close\r\n");
}

}  // namespace

void Client::cancel() {
  cancelled_ = true;
  connector_.cancel();
  if (connection_) connection_->abort();
}

Task<Result<void>> Client::connect(const Url& url, Route route, Deadline deadline) {
  Error last{Errc::invalid, url.host + " has no address"};
  for (std::size_t i = 0; i < route.addresses.size() && !cancelled_; ++i) {
    net::Address to{.host = route.addresses[i].text(), .port = route.port ? route.port : url.port, .unix_path = {}};
    const auto until = share_of(deadline, route.addresses.size() - i);
    auto connected = co_await connector_.connect(std::move(to), {}, until);
    if (!connected) {
      last = std::move(connected).error();
      continue;
    }
    connection_ = *std::move(connected);
    if (!url.tls) co_return Result<void>{};
    net::TlsPolicy policy{.trust = net::TlsTrust::ca_and_name, .names = {url.host}};
    if (!IpAddress::parse(url.host)) policy.server_name = url.host;
    co_return co_await connection_->start_tls_client(*route.tls, std::move(policy), deadline);
  }
  co_return std::unexpected(std::move(last));
}

Task<Result<Response>> Client::read_answer(bool tls, ClientLimits limits, Want want, Deadline deadline) {
  ResponseReader reader(limits);
  for (;;) {
    const auto used = reader.take(connection_->input());
    if (!used && !(want == Want::header && reader.has_header())) co_return std::unexpected(used.error());
    connection_->consume(used.value_or(0));
    if (reader.is_done() || (want == Want::header && reader.has_header())) co_return reader.take_response();
    if (tls && reader.has_header() && reader.needs_end()) co_return fail(Errc::syntax, "HTTP: the answer does not say how long it is");
    // What nothing can be made of yet: a line of the header, of a chunk, of a trailer.
    if (connection_->input().size() > limits.header) co_return fail(Errc::too_large, "HTTP: a line of the answer is too long");
    const auto more = co_await connection_->read_more(deadline);
    if (more) continue;
    if (more.error().code != Errc::closed) co_return std::unexpected(more.error());
    CO_TRY_OK(reader.end());
    co_return reader.take_response();
  }
}

Task<Result<Response>> Client::exchange(Url url, Route route, std::string request, ClientLimits limits, Want want, Deadline deadline) {
  CO_TRY_OK(co_await connect(url, std::move(route), deadline));
  if (cancelled_) connection_->abort();
  connection_->put(request);
  const auto sent = co_await connection_->flush(deadline);
  // A server may answer and close before it has read a body that it does not want.
  if (!sent && sent.error().code != Errc::closed) co_return std::unexpected(sent.error());
  co_return co_await read_answer(url.tls, limits, want, deadline);
}

Task<Result<Response>> Client::call(Url url, Route route, std::string request, ClientLimits limits, Want want, Deadline deadline) {
  if (cancelled_) co_return fail(Errc::cancelled, "cancelled");
  auto answer = co_await exchange(std::move(url), std::move(route), std::move(request), limits, want, deadline);
  connection_.reset();
  co_return answer;
}

Task<Result<Response>> Client::get(Url url, Route route, ClientLimits limits, Deadline deadline) {
  auto request = head_of("GET", url) + "\r\n";
  co_return co_await call(std::move(url), std::move(route), std::move(request), limits, Want::all, deadline);
}

Task<Result<Response>> Client::post(Url url, Route route, std::string content_type, std::string body, Deadline deadline) {
  auto request = head_of("POST", url) + "Content-Type: " + content_type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  co_return co_await call(std::move(url), std::move(route), std::move(request), ClientLimits{}, Want::header, deadline);
}

}  // namespace posthorn::http
