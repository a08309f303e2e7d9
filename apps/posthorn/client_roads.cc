#include "client_roads.h"

#include <chrono>
#include <utility>

#include "async/timer.h"

namespace posthorn {
namespace {

template <class Options>
Result<Options> options_of(const Place& place, std::optional<client::Credentials> credentials) {
  TRY(const auto tls, client::TlsForHosts::make(place.trust));
  Options out;
  out.host = place.url.host;
  out.tls = tls_mode_of(place);
  out.tls_context = tls.context();
  out.tls_policy = tls.policy(place.url.host);
  out.credentials = std::move(credentials);
  return out;
}

}  // namespace

client::TlsMode tls_mode_of(const Place& place) {
  switch (place.url.scheme) {
    case client::Scheme::imaps:
    case client::Scheme::pop3s:
    case client::Scheme::smaps: return client::TlsMode::implicit;
    default: break;
  }
  return place.allow_plaintext ? client::TlsMode::opportunistic : client::TlsMode::required;
}

Result<client::ImapOptions> imap_options_of(const Place& place, std::optional<client::Credentials> credentials) {
  return options_of<client::ImapOptions>(place, std::move(credentials));
}

Result<client::Pop3Options> pop3_options_of(const Place& place, std::optional<client::Credentials> credentials) {
  return options_of<client::Pop3Options>(place, std::move(credentials));
}

Result<client::SmapOptions> smap_options_of(const Place& place, std::optional<client::Credentials> credentials) {
  return options_of<client::SmapOptions>(place, std::move(credentials));
}

Task<Result<std::unique_ptr<net::Connection>>> dial_place(const Place& place, WorkerPool& workers) {
  const auto& url = place.url;
  const auto port = url.port ? url.port : client::default_port(url.scheme);
  auto stream = co_await client::dial(url.host, port, workers, after(std::chrono::minutes(2)));
  if (stream) (*stream)->end_with_process();
  co_return stream;
}

}  // namespace posthorn
