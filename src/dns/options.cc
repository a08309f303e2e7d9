#include "dns/options.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "dns/settings.h"
#include "text/ascii.h"

namespace posthorn::dns {
namespace {

constexpr std::string_view kRecursion = "root";

std::string_view take_word(std::string_view& text) {
  text = text::trim(text);
  const auto word = text.substr(0, text.find_first_of(" \t\r\n"));
  text.remove_prefix(word.size());
  return word;
}

// Calls on_line with each line, comments cut off.
template <class OnLine>
void for_each_line(std::string_view content, std::string_view comment, OnLine on_line) {
  while (!content.empty()) {
    auto line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(content.size(), line.size() + 1));
    line = line.substr(0, line.find_first_of(comment));
    on_line(line);
  }
}

std::string content_of(const char* path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

}  // namespace

std::string ServerAddress::text() const { return ip.text() + "@" + std::to_string(port); }

Result<ServerAddress> parse_server(std::string_view text) {
  ServerAddress out;
  const auto at = text.find('@');
  if (at != text.npos) {
    const auto port = text.substr(at + 1);
    const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (code != std::errc() || end != port.data() + port.size() || out.port == 0)
      return fail(Errc::invalid, "'" + std::string(text) + "' has no port from 1 to 65535 behind its '@'");
  }
  const auto ip = IpAddress::parse(text.substr(0, at));
  if (!ip) return fail(Errc::invalid, "'" + std::string(text) + "' is no IP address");
  out.ip = *ip;
  return out;
}

Result<std::vector<ServerAddress>> parse_servers(std::string_view text) {
  std::vector<ServerAddress> out;
  if (text::trim(text) == kRecursion) return out;
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    TRY(auto server, parse_server(word));
    out.push_back(server);
  }
  return out;
}

Result<std::vector<OwnZone>> parse_zones(std::string_view text) {
  std::vector<OwnZone> out;
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto equals = word.find('=');
    auto name = Name::parse(word.substr(0, equals));
    if (!name) return fail(Errc::invalid, "'" + std::string(word) + "': " + name.error().text);
    auto zone = std::ranges::find(out, *name, &OwnZone::name);
    if (zone == out.end()) zone = out.insert(out.end(), OwnZone{*std::move(name), {}});
    if (equals == word.npos) continue;
    TRY(auto server, parse_server(word.substr(equals + 1)));
    zone->servers.push_back(server);
  }
  return out;
}

Result<void> check_servers(std::string_view text) {
  TRY_OK(parse_servers(text));
  return {};
}

Result<void> check_zones(std::string_view text) {
  TRY_OK(parse_zones(text));
  return {};
}

std::vector<ServerAddress> servers_of_resolv_conf(std::string_view content) {
  static constexpr std::size_t kMaxServers = 8;
  std::vector<ServerAddress> out;
  for_each_line(content, "#;", [&](std::string_view line) {
    if (take_word(line) != "nameserver" || out.size() == kMaxServers) return;
    const auto ip = IpAddress::parse(text::trim(line));
    if (ip) out.push_back({*ip});
  });
  if (out.empty()) out.push_back({*IpAddress::parse("127.0.0.1")});
  return out;
}

std::vector<Name> names_of_anchors(std::string_view content) {
  std::vector<Name> out;
  for_each_line(content, ";", [&](std::string_view line) {
    const auto name = Name::parse(take_word(line));
    if (!name) return;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
      if (!text::iequals(word, "DS") && !text::iequals(word, "DNSKEY")) continue;  // TTL, class
      out.push_back(*name);
      return;
    }
  });
  return out;
}

ResolverOptions options_from_settings() {
  ResolverOptions out;
  const auto& servers = kServers.get();
  out.servers = text::trim(servers).empty() ? servers_of_resolv_conf(content_of("/etc/resolv.conf")) : *parse_servers(servers);
  out.zones = *parse_zones(kZones.get());
  out.validate = kDnssec.get();
  out.trust_anchor_file = kTrustAnchor.get();
  out.cache_size = static_cast<std::size_t>(kCacheSize.get());
  out.max_queries = static_cast<std::size_t>(kMaxQueries.get());
  return out;
}

}  // namespace posthorn::dns
