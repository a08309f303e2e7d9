#include "client/dial.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/ip_address.h"
#include "net/connect.h"
#include "net/socket_address.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/idna.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kPinBytes = 32;

// With colons between the octets, or without.
Result<std::string> from_hex(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const int high = text::hex_value(s.front());
    const int low = s.size() > 1 ? text::hex_value(s[1]) : -1;
    if (high < 0 || low < 0) return fail(Errc::syntax);
    out += static_cast<char>(high * 16 + low);
    s.remove_prefix(2);
    if (s.size() > 1 && s.front() == ':') s.remove_prefix(1);
  }
  return out;
}

Result<std::vector<std::string>> look_up(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (error == EAI_NONAME || error == EAI_NODATA) return fail(Errc::not_found, "there is no host " + host);
  if (error == EAI_SYSTEM) return fail(Errc::io, "the address of " + host + " cannot be found out: " + std::strerror(errno));
  if (error != 0) return fail(Errc::io, "the address of " + host + " cannot be found out: " + ::gai_strerror(error));
  std::vector<std::string> out;
  for (const auto* one = found; one; one = one->ai_next) {
    net::SocketAddress address{};
    if (one->ai_addrlen > sizeof address) continue;
    std::memcpy(&address, one->ai_addr, one->ai_addrlen);
    auto text = net::peer_of(address).ip;
    if (!text.empty() && std::ranges::find(out, text) == out.end()) out.push_back(std::move(text));
  }
  ::freeaddrinfo(found);
  if (out.empty()) return fail(Errc::not_found, "the host " + host + " has no address");
  return out;
}

// [RFC8305 4] The system's order, but the families in turns, so that one that leads nowhere delays the other by one address at most.
std::vector<std::string> in_turns(const std::vector<std::string>& addresses) {
  const auto is_v6 = [](const std::string& a) { return a.contains(':'); };
  std::vector<std::string> first, second, out;
  for (const auto& one : addresses) (is_v6(one) == is_v6(addresses.front()) ? first : second).push_back(one);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

}  // namespace

Result<std::string> parse_pin(std::string_view pin) {
  constexpr std::string_view kPrefix = "sha256";
  const auto wrong = fail(Errc::syntax, "a pin is sha256: and 64 hexadecimal digits, or sha256// and base64");
  if (!text::istarts_with(pin, kPrefix)) return wrong;
  pin.remove_prefix(kPrefix.size());
  Result<std::string> bytes = wrong;
  if (pin.starts_with("//")) bytes = text::base64_decode(pin.substr(2));
  else if (pin.starts_with(':')) bytes = from_hex(pin.substr(1));
  if (!bytes || bytes->size() != kPinBytes) return wrong;
  return bytes;
}

Result<TlsForHosts> TlsForHosts::make(ServerTrust trust) {
  if (trust.insecure + !trust.pins.empty() + !trust.ca_file.empty() > 1)
    return fail(Errc::invalid, "authorities, pins and trusting anybody exclude each other");
  for (const auto& pin : trust.pins)
    if (pin.size() != kPinBytes) return fail(Errc::invalid, "a pin has 32 bytes");
  TlsForHosts made;
  // The system's authorities are read only where they count.
  const bool by_authorities = !trust.insecure && trust.pins.empty();
  TRY(made.context_, by_authorities ? net::TlsContext::client({.ca_file = trust.ca_file, .certificate_file = {}, .key_file = {}})
                                    : net::TlsContext::client_insecure());
  made.trust_ = std::move(trust);
  return made;
}

net::TlsPolicy TlsForHosts::policy(const std::string& host) const {
  net::TlsPolicy policy;
  policy.trust = trust_.insecure ? net::TlsTrust::none : trust_.pins.empty() ? net::TlsTrust::ca_and_name : net::TlsTrust::pinned;
  policy.pins = trust_.pins;
  policy.names = {host};
  if (!IpAddress::parse(host)) policy.server_name = host;
  return policy;
}

Task<Result<std::vector<std::string>>> resolve_host(std::string host, WorkerPool& pool) {
  if (const auto address = IpAddress::parse(host)) co_return std::vector{address->text()};
  auto name = text::domain_to_ascii(host);
  // The resolver would take "" for this machine, and a NUL for the end.
  const bool possible = name && !name->empty() && name->find('\0') == name->npos;
  if (!possible) co_return fail(Errc::not_found, "'" + host + "' cannot be a host");
  auto found = co_await pool.run([&name] { return look_up(*name); });
  if (!found) co_return found;
  co_return in_turns(*found);
}

Task<Result<std::unique_ptr<net::Connection>>> dial_any(std::vector<std::string> addresses, std::uint16_t port, Deadline deadline,
                                                        std::chrono::milliseconds per_address) {
  Error all{.code = Errc::timed_out, .text = {}};
  for (auto& address : addresses) {
    net::Address to{.host = std::move(address), .port = port, .unix_path = {}};
    net::Connector connector;
    auto made = co_await connector.connect(std::move(to), {}, std::min(deadline, after(per_address)));
    if (made) co_return made;
    if (made.error().code != Errc::timed_out) all.code = made.error().code;
    all.text += (all.text.empty() ? "" : "; ") + made.error().text;
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  if (addresses.empty()) co_return fail(Errc::not_found, "there is no address to connect to");
  co_return std::unexpected(std::move(all));
}

Task<Result<std::unique_ptr<net::Connection>>> dial(std::string host, std::uint16_t port, WorkerPool& pool, Deadline deadline,
                                                    std::chrono::milliseconds per_address) {
  CO_TRY(auto addresses, co_await resolve_host(std::move(host), pool));
  co_return co_await dial_any(std::move(addresses), port, deadline, per_address);
}

}  // namespace posthorn::client
