#include "delivery/router.h"

#include <algorithm>

#include "delivery/settings.h"
#include "dns/name.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

bool fits_domain(const std::vector<std::string>& patterns, std::string_view domain) {
  if (patterns.empty()) return true;
  return std::ranges::any_of(patterns, [&](const std::string& p) {
    return p == "*" || p == domain || (p.starts_with('.') && domain.size() > p.size() && domain.ends_with(p));
  });
}

bool fits_sender(const std::vector<std::string>& patterns, std::string_view sender) {
  if (patterns.empty()) return true;
  const auto lower = text::to_lower(sender);
  return std::ranges::any_of(patterns, [&](const std::string& p) {
    if (p == "*") return true;
    if (p == "<>") return lower.empty();
    return p == lower || (p.starts_with('@') && lower.ends_with(p));
  });
}

// [RFC5321 4.1.3] "[192.0.2.1]", "[IPv6:2001:db8::1]"
std::optional<IpAddress> literal_of(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return {};
  auto text = domain.substr(1, domain.size() - 2);
  if (text.starts_with("ipv6:")) text.remove_prefix(5);
  auto ip = IpAddress::parse(text);
  if (!ip) return {};
  return *ip;
}

}  // namespace

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == address.npos ? std::string() : text::to_lower(address.substr(at + 1));
}

std::string Way::key() const {
  std::string key;
  switch (kind) {
    case Kind::local: key = "local:" + domain; break;
    case Kind::relay: {
      key = "relay:" + relay->text();
      if (!relay->username.empty()) key += '/' + relay->username;
      if (!relay->source_address.empty()) key += '<' + relay->source_address;
      break;
    }
    case Kind::domain: key = domain; break;
    case Kind::literal: key = '[' + literal->text() + ']'; break;
    case Kind::refused: key = "refused:" + domain; break;
  }
  if (kind == Kind::local || kind == Kind::refused) return key;
  // A connection that was opened under one rule is not for what another rule is about.
  if (relay && relay->says_tls) {
    key += ';' + std::string(config::to_string(relay->tls));
    if (relay->verify) key += ";verify";
    if (relay->protocol != config::RelayProtocol::smtp) key += ';' + std::string(config::to_string(relay->protocol));
  }
  if (require_tls) key += "!tls";
  else if (tls_optional) key += "!any";
  return key;
}

queue::RetryPolicy Way::retry_policy() const {
  const auto policy = queue::RetryPolicy::from_settings();
  if (!relay) return policy;
  return queue::RetryOverrides{.first = relay->retry_first, .max = relay->retry_max, .lifetime = relay->lifetime, .delay_warning = relay->delay_warning}
      .over(policy);
}

void Router::set_relays(std::vector<config::Relay> relays) {
  auto fresh = std::make_shared<Relays>();
  for (auto& relay : relays) fresh->push_back(std::make_shared<const config::Relay>(std::move(relay)));
  std::lock_guard hold(mutex_);
  relays_ = std::move(fresh);
}

std::shared_ptr<const config::Relay> Router::find_relay(std::string_view domain, std::string_view sender) const {
  std::shared_ptr<const Relays> relays;
  {
    std::lock_guard hold(mutex_);
    relays = relays_;
  }
  for (const auto& relay : *relays)
    if (fits_domain(relay->domains, domain) && fits_sender(relay->senders, sender)) return relay;
  return nullptr;
}

bool Router::is_local(std::string_view domain) const { return is_local_(text::to_lower(domain)); }

Way Router::way(const queue::Entry& entry, const queue::Recipient& recipient) const {
  Way way;
  way.domain = domain_of(recipient.forward_path);
  // [RFC8689 5] A report is not held up by what was asked of the message; its sender's channels did not need it either.
  way.require_tls = entry.options.require_tls && !entry.reverse_path.empty();
  way.tls_optional = entry.options.tls_optional && !entry.options.require_tls;
  if (is_local_(way.domain)) {
    way.kind = Way::Kind::local;
    way.domain = text::to_lower(recipient.forward_path);  // each mailbox is a destination of its own
    return way;
  }
  way.relay = find_relay(way.domain, entry.reverse_path);
  if (way.relay && way.relay->has_host()) {
    way.kind = Way::Kind::relay;
    return way;
  }
  if ((way.literal = literal_of(way.domain))) {
    way.kind = kAddressLiterals.get() ? Way::Kind::literal : Way::Kind::refused;
    way.why = "mail to address literals is not sent from here";
    return way;
  }
  const auto name = dns::Name::from_domain(way.domain);
  if (!name || name->is_root()) {
    way.why = "no domain can have this name";
    return way;
  }
  way.kind = Way::Kind::domain;
  way.domain = name->text();
  return way;
}

}  // namespace posthorn::delivery
