#include "client/dial.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/ip_address.h"
#include "net/connect.h"
#include "net/socket_address.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/idna.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kPinBytes = 32;
constexpr std::size_t kMostAddresses = 16;  // of a host: whoever writes its zone decides how many there are

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
  if (error == EAI_AGAIN) return fail(Errc::timed_out, "the address of " + host + " cannot be found out now: the name servers do not answer");
  if (error == EAI_SYSTEM) return fail(Errc::io, "the address of " + host + " cannot be found out: " + std::strerror(errno));
  if (error != 0) return fail(Errc::io, "the address of " + host + " cannot be found out: " + ::gai_strerror(error));
  std::vector<std::string> out;
  for (const auto* one = found; one && out.size() < kMostAddresses; one = one->ai_next) {
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

// [RFC8305 5] Attempts side by side: each begins kStagger behind the one before it, or when that has failed.  The first connection that is
// made ends the others.
class Race {
 public:
  Race(std::vector<std::string> addresses, std::uint16_t port, Deadline deadline, std::chrono::milliseconds per_address)
      : port_(port), deadline_(deadline), per_address_(per_address) {
    for (auto& address : addresses) runners_.emplace_back(std::move(address));
  }

  Task<Result<std::unique_ptr<net::Connection>>> run() {
    begin_next();
    co_await group_.join();
    if (won_) co_return std::move(won_);
    Error all{.code = Errc::timed_out, .text = {}};
    for (const auto& one : runners_) {
      if (!one.error) continue;
      if (one.error->code != Errc::timed_out) all.code = one.error->code;
      all.text += (all.text.empty() ? "" : "; ") + one.error->text;
    }
    co_return std::unexpected(std::move(all));
  }

 private:
  static constexpr std::chrono::milliseconds kStagger{250};

  struct Runner {
    explicit Runner(std::string a) : address(std::move(a)) {}
    std::string address;
    net::Connector connector;
    std::optional<Error> error;
  };

  // The group has a task until the last attempt has begun: one that fails begins the next before it ends.
  void begin_next() {
    next_turn_.disarm();
    const bool too_late = next_ > 0 && std::chrono::steady_clock::now() >= deadline_;
    if (won_ || next_ == runners_.size() || too_late) return;
    auto& reactor = Reactor::current();
    group_.spawn(reactor, attempt(runners_[next_++]));
    reactor.wheel().arm(next_turn_, after(kStagger), [](void* self) { static_cast<Race*>(self)->begin_next(); }, this);
  }

  Task<> attempt(Runner& runner) {
    net::Address to{.host = runner.address, .port = port_, .unix_path = {}};
    auto made = co_await runner.connector.connect(std::move(to), {}, std::min(deadline_, after(per_address_)));
    if (won_) co_return;
    if (made) {
      won_ = *std::move(made);
      next_turn_.disarm();
      for (auto& other : runners_) other.connector.cancel();
    } else {
      runner.error = made.error();
      begin_next();
    }
  }

  const std::uint16_t port_;
  const Deadline deadline_;
  const std::chrono::milliseconds per_address_;
  std::deque<Runner> runners_;
  std::size_t next_ = 0;
  Alarm next_turn_;
  std::unique_ptr<net::Connection> won_;
  TaskGroup group_;
};

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
  // [RFC6066 3] The dot that ends a whole name is none of the name's in certificates.
  const auto name = host.substr(0, host.size() - host.ends_with('.'));
  policy.names = {name};
  if (!IpAddress::parse(name)) policy.server_name = name;
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
  if (addresses.empty()) co_return fail(Errc::not_found, "there is no address to connect to");
  Race race(std::move(addresses), port, deadline, per_address);
  co_return co_await race.run();
}

Task<Result<std::unique_ptr<net::Connection>>> dial(std::string host, std::uint16_t port, WorkerPool& pool, Deadline deadline,
                                                    std::chrono::milliseconds per_address) {
  CO_TRY(auto addresses, co_await resolve_host(std::move(host), pool));
  co_return co_await dial_any(std::move(addresses), port, deadline, per_address);
}

}  // namespace posthorn::client
