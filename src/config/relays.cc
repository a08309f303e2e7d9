#include "config/relays.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/ip_address.h"
#include "base/settings.h"
#include "config/address.h"
#include "config/files.h"

namespace posthorn::config {
namespace {

constexpr std::size_t kMaxRelays = 10'000;
constexpr std::size_t kMaxPassword = 4096;
constexpr std::chrono::milliseconds kLeastRetry = std::chrono::seconds(1), kMostRetry = std::chrono::days(60);

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto n = std::min(text.find(' '), text.size());
    if (n > 0) out.push_back(lower(text.substr(0, n)));
    text.remove_prefix(std::min(n + 1, text.size()));
  }
  return out;
}

class RelayChecker {
 public:
  explicit RelayChecker(Report& report) : report_(report) {}

  void check(const Entry& e) {
    const auto bad = [&](Position at) { report_.error(at, "'relay' must be written as [[relay]] with 'host' below it"); };
    if (e.node.kind != Node::Kind::array) return bad(e.node.is_table() ? e.at : e.node.at);
    if (e.node.items.size() > kMaxRelays) return report_.error(e.node.at, "more than " + std::to_string(kMaxRelays) + " relays");
    for (const Node& item : e.node.items) {
      if (item.is_table()) check_relay(item);
      else bad(item.at);
    }
  }
  std::vector<Relay> take() { return std::move(relays_); }

 private:
  using Entries = std::map<std::string_view, const Entry*>;

  void check_relay(const Node& table) {
    Relay r;
    Entries given;
    const std::size_t before = report_.count();
    for (const Entry& e : table.entries) {
      if (std::ranges::find(kRelayKeys, e.key) != kRelayKeys.end()) given[e.key] = &e;
      else report_.unknown_key(e, "relay.", kRelayKeys);
    }
    const auto find = [&](std::string_view key) { return given.contains(key) ? given[key] : nullptr; };
    if (const auto* e = find("domains")) take_patterns(*e, r.domains, /*senders=*/false);
    if (const auto* e = find("senders")) take_patterns(*e, r.senders, /*senders=*/true);
    if (const auto* e = find("protocol"))
      if (auto p = report_.need_choice(*e, std::array{RelayProtocol::smtp, RelayProtocol::lmtp})) r.protocol = *p;
    if (const auto* e = find("host")) take_host(*e, r);
    if (const auto* e = find("port")) take_port(*e, r);
    if (const auto* e = find("username"))
      if (const auto* text = report_.need_text(*e)) r.username = *text;
    if (const auto* e = find("password_file")) take_password_file(*e, r);
    if (const auto* e = find("source_address")) take_source(*e, r);
    bool allow_plaintext = false;
    if (const auto* e = find("allow_plaintext")) take_yes_or_no(*e, allow_plaintext);
    if (const auto* e = find("allow_plaintext_auth")) take_yes_or_no(*e, r.allow_plaintext_auth);
    std::optional<RelayTls> tls;
    if (const auto* e = find("tls"))
      tls = report_.need_choice(*e, std::array{RelayTls::none, RelayTls::opportunistic, RelayTls::require, RelayTls::implicit});
    if (const auto* e = find("retry_first")) take_time(*e, r.retry_first, kLeastRetry);
    if (const auto* e = find("retry_max")) take_time(*e, r.retry_max, kLeastRetry);
    if (const auto* e = find("lifetime")) take_time(*e, r.lifetime, kLeastRetry);
    if (const auto* e = find("delay_warning")) take_time(*e, r.delay_warning, std::chrono::milliseconds(0));
    if (report_.count() != before) return;
    r.says_tls = r.has_host() || tls || find("verify");
    if (r.port == 0) r.port = r.protocol == RelayProtocol::lmtp ? 24 : !r.has_host() || r.username.empty() ? 25 : 587;
    r.tls = tls.value_or(default_tls(r, allow_plaintext));
    // Who has a password there has a name to check.
    r.verify = !r.username.empty() && r.tls != RelayTls::none && r.tls != RelayTls::opportunistic;
    if (const auto* e = find("verify")) take_yes_or_no(*e, r.verify);
    check_combination(table, given, r, allow_plaintext);
    if (report_.count() == before) relays_.push_back(std::move(r));
  }

  static RelayTls default_tls(const Relay& r, bool allow_plaintext) {
    if (!r.unix_path.empty()) return RelayTls::none;
    if (r.port == 465) return RelayTls::implicit;
    if (r.port == 587 || r.port == 2525) return allow_plaintext ? RelayTls::opportunistic : RelayTls::require;
    return RelayTls::opportunistic;
  }

  void check_combination(const Node& table, const Entries& given, const Relay& r, bool allow_plaintext) {
    const auto at = [&](std::string_view key) { return given.contains(key) ? given.at(key)->at : table.at; };
    const bool may_be_clear = r.tls == RelayTls::none || r.tls == RelayTls::opportunistic;
    const bool is_local = !r.unix_path.empty();
    if (r.port == 465 && r.tls != RelayTls::implicit)
      report_.error(at("tls"), "port 465 is TLS from the first byte: leave 'tls' out, or use another port");
    else if (may_be_clear && r.has_host() && !is_local && r.port != 25 && r.port != 24 && !allow_plaintext)
      report_.error(at("tls"), "clear text at port " + std::to_string(r.port) + " needs allow_plaintext = true");
    if (allow_plaintext && !may_be_clear)
      report_.error(at("allow_plaintext"), "'allow_plaintext' contradicts tls = \"" + std::string(to_string(r.tls)) + "\"");
    if (r.verify && may_be_clear) report_.error(at("verify"), "'verify' needs tls = \"require\" or \"implicit\"");
    if (r.username.empty() != r.password_file.empty()) report_.error(at("username"), "'username' and 'password_file' go together");
    if (!r.username.empty() && !r.has_host()) report_.error(at("username"), "'username' needs a 'host'");
    if (!r.username.empty() && may_be_clear && !r.allow_plaintext_auth)
      report_.warn(at("username"), "no password is sent where the server has no TLS, and such an attempt fails; see allow_plaintext_auth");
    if (r.protocol == RelayProtocol::lmtp && !r.has_host()) report_.error(at("protocol"), "lmtp needs a 'host'");
    if (is_local && r.protocol != RelayProtocol::lmtp) report_.error(at("host"), "a Unix socket is for protocol = \"lmtp\"");
    if (is_local && r.tls != RelayTls::none) report_.error(at("tls"), "TLS makes no sense on a Unix socket");
    if (!r.has_host() && r.domains.empty())
      report_.error(table.at, "this [[relay]] has neither 'host' nor 'domains': it would say nothing");
  }

  void take_patterns(const Entry& e, std::vector<std::string>& out, bool senders) {
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    for (auto& word : words(*text)) {
      const auto at = word.find('@');
      const bool any = word == "*" || (senders && word == "<>");
      const auto domain = senders ? (at == word.npos ? std::string() : word.substr(at + 1)) : word.substr(word.starts_with('.') ? 1 : 0);
      if (!any && (domain.empty() || (!senders && at != word.npos)))
        report_.error(e.node.at, shown(word) + (senders ? " is no sender: write \"ann@example.org\", \"@example.org\" or \"<>\""
                                                        : " is no domain: write \"example.org\", \".example.org\" or \"*\""));
      out.push_back(std::move(word));
    }
  }

  void take_host(const Entry& e, Relay& r) {
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    if (text->starts_with('/')) {
      r.unix_path = *text;
      return;
    }
    if (auto ip = IpAddress::parse(*text)) {
      r.host = ip->text();
      return;
    }
    auto name = parse_hostname(*text);
    if (!name) return report_.error(e.node.at, "'host' " + shown(*text) + " " + name.error().text);
    r.host = *std::move(name);
  }

  void take_port(const Entry& e, Relay& r) {
    const auto* const n = std::get_if<std::int64_t>(&e.node.value);
    if (e.node.kind != Node::Kind::integer || !n || *n < 1 || *n > 65535)
      return report_.error(e.node.at, "'port' must be a number from 1 to 65535");
    r.port = static_cast<std::uint16_t>(*n);
  }

  void take_password_file(const Entry& e, Relay& r) {
    const std::string* const path = report_.need_path(e);
    if (!path) return;
    const auto file = read_file(*path, kMaxPassword);
    if (!file) return report_.error(e.node.at, "the password file " + shown(*path) + " " + file.error().text);
    if (file->world_readable)
      report_.warn(e.node.at, "the password file " + shown(*path) + " can be read by every user of this machine: chmod 640 it");
    r.password_file = *path;
  }

  void take_source(const Entry& e, Relay& r) {
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    const auto ip = IpAddress::parse(*text);
    if (!ip) return report_.error(e.node.at, "'source_address' " + shown(*text) + " is no numeric address");
    r.source_address = ip->text();
  }

  void take_time(const Entry& e, std::optional<std::chrono::milliseconds>& out, std::chrono::milliseconds least) {
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    const auto time = parse_duration(*text);
    if (!time || *time < least || *time > kMostRetry)
      return report_.error(e.node.at, "'" + e.key + "' must be a time from " + duration_text(least) + " to " + duration_text(kMostRetry) + ", as \"30 min\"");
    out = *time;
  }

  void take_yes_or_no(const Entry& e, bool& out) {
    if (const bool* const yes = std::get_if<bool>(&e.node.value); yes && e.node.kind == Node::Kind::boolean) out = *yes;
    else report_.error(e.node.at, "'" + e.key + "' must be true or false (without quotes)");
  }

  Report& report_;
  std::vector<Relay> relays_;
};

}  // namespace

std::string_view to_string(RelayTls tls) {
  switch (tls) {
    case RelayTls::none: return "none";
    case RelayTls::opportunistic: return "opportunistic";
    case RelayTls::require: return "require";
    case RelayTls::implicit: return "implicit";
  }
  return "?";
}

std::string_view to_string(RelayProtocol protocol) { return protocol == RelayProtocol::smtp ? "smtp" : "lmtp"; }

std::string Relay::text() const {
  if (!unix_path.empty()) return unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::vector<Relay> check_relays(const Entry& relay, Report& report) {
  RelayChecker checker(report);
  checker.check(relay);
  return checker.take();
}

Result<std::string> read_password(const std::string& path) {
  auto file = read_file(path, kMaxPassword);
  if (!file) return fail(Errc::io, path + ' ' + file.error().text);
  auto line = file->text.substr(0, file->text.find_first_of("\r\n"));
  if (line.empty()) return fail(Errc::invalid, path + " is empty");
  return line;
}

}  // namespace posthorn::config
