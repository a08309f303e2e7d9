#include "config/listeners.h"

#include <algorithm>

#include "config/address.h"

namespace posthorn::config {
namespace {

constexpr std::size_t kMaxListeners = 256;

class ListenChecker {
 public:
  explicit ListenChecker(Report& report) : report_(report) {}

  void check(const Entry& e) {
    if (e.node.is_table()) {
      report_.error(e.at, "write [[listen]] with two brackets on each side: there may be several");
      return check_listener(e.node);
    }
    if (e.node.kind != Node::Kind::array)
      return report_.error(e.node.at,
                           "'listen' must be written as [[listen]] with 'protocol' and 'address' below it");
    if (e.node.items.empty())
      return report_.error(e.node.at,
                           "'listen' is empty: leave it out for the standard ports, or add a [[listen]]");
    if (e.node.items.size() > kMaxListeners)
      return report_.error(e.node.at, "more than " + std::to_string(kMaxListeners) + " listeners");
    for (const Node& item : e.node.items) {
      if (item.is_table())
        check_listener(item);
      else
        report_.error(item.at,
                      "'listen' must be written as [[listen]] with 'protocol' and 'address' below it");
    }
  }

  std::vector<Listener> take() { return std::move(listeners_); }

 private:
  void check_listener(const Node& table) {
    Listener l;
    const Entry *protocol = nullptr, *address = nullptr, *tls = nullptr, *plaintext = nullptr, *proxy = nullptr, *proxies = nullptr;
    const std::size_t before = report_.count();
    for (const Entry& e : table.entries) {
      if (e.key == "protocol")
        protocol = &e;
      else if (e.key == "address")
        address = &e;
      else if (e.key == "tls")
        tls = &e;
      else if (e.key == "allow_plaintext_auth")
        plaintext = &e;
      else if (e.key == "proxy_protocol")
        proxy = &e;
      else if (e.key == "proxy_networks")
        proxies = &e;
      else
        report_.unknown_key(e, "listen.", kListenKeys);
    }
    std::optional<Protocol> known_protocol;
    if (!protocol)
      report_.error(table.at, "this [[listen]] has no 'protocol' (smtp, submission, lmtp, imap, pop3, metrics or https)");
    else if ((known_protocol =
                  report_.need_choice(*protocol, std::array{Protocol::smtp, Protocol::submission,
                                                            Protocol::lmtp, Protocol::imap, Protocol::pop3, Protocol::metrics,
                                                            Protocol::https})))
      l.protocol = *known_protocol;
    if (!address)
      report_.error(table.at, "this [[listen]] has no 'address'");
    else if (const std::string* const text = report_.need_text(*address))
      take_address(*address, *text, l);
    std::optional<TlsMode> mode;
    if (tls)
      mode = report_.need_choice(*tls, std::array{TlsMode::none, TlsMode::starttls, TlsMode::implicit});
    if (plaintext) take_yes_or_no(*plaintext, l.allow_plaintext_auth);
    if (proxy) take_yes_or_no(*proxy, l.proxy_protocol);
    if (proxies) take_proxies(*proxies, l);
    // The rules about combinations make sense only when every part is understood.
    if (report_.count() != before) return;
    l.tls = mode ? *mode : default_tls(l);
    check_combination({tls ? tls->node.at : table.at, address->node.at, plaintext ? plaintext->at : table.at},
                      l);
    if (l.proxy_protocol && l.proxies.empty() && !l.address.is_loopback())
      report_.error(proxy->at,
                    "'proxy_protocol' needs 'proxy_networks', the addresses of the proxies: who may say where a "
                    "client comes from could say anything");
    if (proxies && !l.proxy_protocol)
      report_.warn(proxies->at, "'proxy_networks' changes nothing here without proxy_protocol = true");
    listeners_.push_back(std::move(l));
  }

  void take_address(const Entry& e, const std::string& text, Listener& l) {
    auto endpoint = parse_endpoint(text);
    if (!endpoint) return report_.error(e.node.at, "'address' " + shown(text) + " " + endpoint.error().text);
    l.address = *std::move(endpoint);
    const auto same = std::ranges::find(taken_, l.address, &Taken::address);
    if (same != taken_.end() && (l.address.is_unix() || l.address.port != 0))
      report_.error(e.node.at, "'address' " + shown(text) + " is taken by the listener in line " +
                                   std::to_string(same->line));
    else
      taken_.push_back({l.address, e.node.at.line});
  }

  void take_yes_or_no(const Entry& e, bool& out) {
    if (const bool* const yes = std::get_if<bool>(&e.node.value); yes && e.node.kind == Node::Kind::boolean)
      out = *yes;
    else
      report_.error(e.node.at, "'" + e.key + "' must be true or false (without quotes)");
  }

  void take_proxies(const Entry& e, Listener& l) {
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    auto networks = IpNetworks::parse(*text);
    if (!networks) return report_.error(e.node.at, "'proxy_networks' " + networks.error().text);
    l.proxies = *std::move(networks);
  }

  static TlsMode default_tls(const Listener& l) {
    if (l.protocol == Protocol::lmtp || l.protocol == Protocol::metrics) return TlsMode::none;
    if (l.protocol == Protocol::https) return TlsMode::implicit;
    const auto port = l.address.port;
    return port == 465 || port == 993 || port == 995 ? TlsMode::implicit : TlsMode::starttls;
  }

  struct Places {
    Position tls, address, plaintext;
  };

  void check_combination(const Places& at, const Listener& l) {
    const std::string name(to_string(l.protocol));
    const auto port = l.address.port;
    if (l.protocol == Protocol::lmtp) return check_lmtp(at, l);
    if (l.address.is_unix())
      return report_.error(at.address,
                           "a Unix socket is for lmtp only: " + name + " needs an address and port");
    if (l.protocol == Protocol::metrics) return check_metrics(at, l);
    if (l.protocol == Protocol::https) return check_https(at, l);
    if (l.protocol == Protocol::smtp && l.tls == TlsMode::implicit)
      report_.warn(
          at.tls,
          "other servers do not begin with TLS when they deliver mail: use protocol = \"submission\" for "
          "clients on port 465, or tls = \"starttls\"");
    if ((port == 465 || port == 993 || port == 995) && l.tls != TlsMode::implicit)
      report_.warn(at.tls,
                   "clients begin with TLS on port " + std::to_string(port) + ": use tls = \"implicit\"");
    if ((port == 25 || port == 587 || port == 143 || port == 110) && l.tls == TlsMode::implicit)
      report_.warn(at.tls, "clients do not begin with TLS on port " + std::to_string(port) +
                               ": use tls = \"starttls\"");
    if (l.tls == TlsMode::none && !l.allow_plaintext_auth && l.protocol != Protocol::smtp)
      report_.warn(
          at.tls,
          "nobody can sign in here: passwords are taken under TLS only, and tls is \"none\"; use tls = "
          "\"starttls\", or allow_plaintext_auth = true in a network that you trust");
    if (l.allow_plaintext_auth && l.tls == TlsMode::implicit)
      report_.warn(
          at.plaintext,
          "'allow_plaintext_auth' changes nothing here: with tls = \"implicit\" everything is under TLS");
    else if (l.allow_plaintext_auth && !l.address.is_loopback())
      report_.warn(at.plaintext,
                   "passwords may cross the network in readable form here: 'allow_plaintext_auth' is for "
                   "loopback and networks that you trust");
  }

  void check_metrics(const Places& at, const Listener& l) {
    if (l.tls == TlsMode::starttls)
      report_.error(at.tls, "HTTP does not start TLS in the middle: use tls = \"implicit\" (https) or \"none\"");
    if (l.allow_plaintext_auth) report_.warn(at.plaintext, "'allow_plaintext_auth' changes nothing here: metrics have no sign-in");
    if (!l.address.is_loopback())
      report_.warn(at.address, "whoever reaches this address can read the figures of this server: metrics belong on a loopback address");
  }

  void check_https(const Places& at, const Listener& l) {
    if (l.tls != TlsMode::implicit)
      report_.error(at.tls, "https begins with TLS: use tls = \"implicit\", or leave it out; there are no pages without TLS");
    if (l.allow_plaintext_auth) report_.warn(at.plaintext, "'allow_plaintext_auth' changes nothing here: https has no sign-in");
  }

  void check_lmtp(const Places& at, const Listener& l) {
    if (l.tls == TlsMode::implicit)
      report_.error(at.tls, "lmtp does not begin with TLS: use tls = \"none\"");
    else if (l.tls == TlsMode::starttls && l.address.is_unix())
      report_.error(at.tls, "TLS makes no sense on a Unix socket: use tls = \"none\"");
    if (l.allow_plaintext_auth)
      report_.warn(at.plaintext, "'allow_plaintext_auth' changes nothing here: lmtp has no sign-in");
    if (!l.address.is_loopback())
      report_.warn(at.address,
                   "whoever reaches this address can deliver mail without any check: lmtp belongs on a Unix "
                   "socket or a loopback address");
  }

  struct Taken {
    Endpoint address;
    int line;
  };

  Report& report_;
  std::vector<Listener> listeners_;
  std::vector<Taken> taken_;
};

}  // namespace

std::vector<Listener> check_listeners(const Entry& listen, Report& report) {
  ListenChecker checker(report);
  checker.check(listen);
  return checker.take();
}

}  // namespace posthorn::config
