#include "check/sessions.h"

#include "check/dialect.h"
#include "net/connect.h"

namespace posthorn::check {
namespace {

client::TlsMode mode_of(const PortReport& r) {
  if (r.target.expected == Security::implicit) return client::TlsMode::implicit;
  return r.tls ? client::TlsMode::required : client::TlsMode::none;
}

Task<Result<std::unique_ptr<net::Connection>>> connect(World& world, const PortReport& r) {
  const auto mapped = world.probe.port_map.find(r.target.port);
  const auto port = mapped == world.probe.port_map.end() ? r.target.port : mapped->second;
  net::Connector connector;
  co_return co_await connector.connect({r.address, port, {}}, {}, after(world.probe.timeout));
}

// What all options have alike.
template <class Options>
Options options_for(World& world, const PortReport& r, client::Credentials credentials) {
  Options out;
  out.tls = mode_of(r);
  out.tls_context = world.probe.tls;
  out.tls_policy = world.probe.policy(r.target.host);
  out.credentials = std::move(credentials);
  out.host = r.target.host;
  return out;
}

Error error_of(const client::Failure& f) {
  const bool password = f.stage == client::Stage::auth && f.cause == client::Cause::refused && f.reply && f.reply->code / 100 == 5;
  return {password ? Errc::denied : Errc::io, f.text};
}

}  // namespace

Task<Result<std::unique_ptr<client::SmtpConnection>>> open_smtp(World& world, const PortReport& r, client::Credentials credentials) {
  auto options = options_for<client::SmtpOptions>(world, r, std::move(credentials));
  options.hello = our_name({r.address, r.target.port, {}});
  const auto t = world.probe.timeout;
  options.timeouts = {.connect = t,
                      .tls = t,
                      .greeting = t,
                      .command = t,
                      .data = t,
                      .block = t,
                      .final_dot = 3 * t,
                      .reset = t,
                      .quit = t,
                      .opening = 3 * t,
                      .transaction = 6 * t};
  CO_TRY(auto connection, co_await connect(world, r));
  auto out = std::make_unique<client::SmtpConnection>(std::move(options));
  const auto opened = co_await out->open(std::move(connection));
  if (!opened) co_return std::unexpected(error_of(opened.error()));
  co_return out;
}

Task<Result<std::unique_ptr<client::ImapConnection>>> open_imap(World& world, const PortReport& r, client::Credentials credentials) {
  auto options = options_for<client::ImapOptions>(world, r, std::move(credentials));
  const auto t = world.probe.timeout;
  options.qresync = false;
  options.timeouts = {.opening = 3 * t, .command = 3 * t, .transfer = 3 * t, .silence = t, .logout = t};
  CO_TRY(auto connection, co_await connect(world, r));
  auto out = std::make_unique<client::ImapConnection>(std::move(options));
  CO_TRY_OK(co_await out->open(std::move(connection)));
  co_return out;
}

Task<Result<std::unique_ptr<client::Pop3Connection>>> open_pop3(World& world, const PortReport& r, client::Credentials credentials) {
  auto options = options_for<client::Pop3Options>(world, r, std::move(credentials));
  const auto t = world.probe.timeout;
  options.timeouts = {.tls = t, .greeting = t, .command = t, .block = t, .update = 3 * t};
  CO_TRY(auto connection, co_await connect(world, r));
  auto out = std::make_unique<client::Pop3Connection>(std::move(options));
  CO_TRY_OK(co_await out->open(std::move(connection)));
  co_return out;
}

}  // namespace posthorn::check
