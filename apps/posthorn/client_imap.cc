#include "client_imap.h"

#include <chrono>
#include <utility>

#include "async/timer.h"

namespace posthorn {

Task<Result<ImapRoad>> dial_imap(const Place& place, std::optional<client::Credentials> credentials, WorkerPool& workers) {
  const auto& url = place.url;
  CO_TRY(const auto tls, client::TlsForHosts::make(place.trust));
  ImapRoad road;
  road.options.host = url.host;
  road.options.tls = url.scheme == client::Scheme::imaps ? client::TlsMode::implicit
                     : place.allow_plaintext             ? client::TlsMode::opportunistic
                                                         : client::TlsMode::required;
  road.options.tls_context = tls.context();
  road.options.tls_policy = tls.policy(url.host);
  road.options.credentials = std::move(credentials);
  const auto port = url.port ? url.port : client::default_port(url.scheme);
  CO_TRY(road.stream, co_await client::dial(url.host, port, workers, after(std::chrono::minutes(1))));
  co_return road;
}

}  // namespace posthorn
