#include "config/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace posthorn::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || end != text.data() + text.size() || port > 65535)
    return fail(Errc::invalid, "the port must be a number from 1 to 65535");
  return static_cast<std::uint16_t>(port);
}

// The shortest form of a literal address of the family; empty when it is none.
std::string normal_form(int family, const std::string& text) {
  unsigned char bytes[16];
  char out[INET6_ADDRSTRLEN];
  if (::inet_pton(family, text.c_str(), bytes) != 1) return {};
  return ::inet_ntop(family, bytes, out, sizeof out) ? out : "";
}

Result<Endpoint> parse_unix(std::string_view path) {
  if (std::ranges::any_of(path, is_control))
    return fail(Errc::invalid, "the path has control characters in it");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(Errc::invalid, "the path of a Unix socket may have at most 107 bytes");
  if (path.ends_with('/')) return fail(Errc::invalid, "the path must name a file, not a folder");
  Endpoint out;
  out.unix_path = path;
  return out;
}

}  // namespace

Result<std::string> parse_hostname(std::string_view name) {
  if (name.empty()) return fail(Errc::invalid, "is empty");
  if (name.size() > 253) return fail(Errc::invalid, "is longer than 253 characters");
  if (name.ends_with('.')) return fail(Errc::invalid, "must be written without the final dot");
  std::string out;
  std::string_view rest = name, label;
  while (true) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (label.empty()) return fail(Errc::invalid, "has an empty part between dots");
    if (label.size() > 63) return fail(Errc::invalid, "has a part longer than 63 characters");
    if (label.front() == '-' || label.back() == '-')
      return fail(Errc::invalid, "has a part that begins or ends with '-'");
    if (std::ranges::any_of(label, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      return fail(Errc::invalid, "must be written in ASCII: the xn-- form of an international name");
    if (!std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }))
      return fail(Errc::invalid, "may have letters, digits, '-' and '.' only");
    for (const char c : label) out += is_letter(c) ? static_cast<char>(c | 0x20) : c;
    if (dot == rest.npos) break;
    out += '.';
    rest.remove_prefix(dot + 1);
  }
  // [RFC3696 2] The last label is never all digits, so this is an address (or part of one).
  if (std::ranges::all_of(label, is_digit)) return fail(Errc::invalid, "must be a name, not an address");
  return out;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  static constexpr char kForm[] = "must be \"host:port\", \"[IPv6]:port\" or the path of a Unix socket";
  if (text.starts_with('/')) return parse_unix(text);
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) {
    if (!text.empty() && std::ranges::all_of(text, is_digit))
      return fail(Errc::invalid, "needs an address before the port: \"0.0.0.0:" + std::string(text) + "\"");
    return fail(Errc::invalid, kForm);
  }
  std::string host(text.substr(0, colon));
  Endpoint out;
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return fail(Errc::invalid, kForm);
    out.host = normal_form(AF_INET6, host.substr(1, host.size() - 2));
    if (out.host.empty()) return fail(Errc::invalid, "has no valid IPv6 address in the brackets");
  } else {
    if (host.find(':') != host.npos)
      return fail(Errc::invalid, "needs brackets around an IPv6 address: \"[::1]:25\"");
    if (host.empty() || host == "*")
      return fail(Errc::invalid, "needs an address: \"0.0.0.0\" for all of IPv4, \"[::]\" for all of IPv6");
    if (host == "localhost") host = "127.0.0.1";
    out.host = normal_form(AF_INET, host);
    if (out.host.empty()) return fail(Errc::invalid, "must begin with an IP address, not a name");
  }
  TRY(out.port, parse_port(text.substr(colon + 1)));
  return out;
}

bool Endpoint::is_loopback() const { return is_unix() || host.starts_with("127.") || host == "::1"; }

std::string Endpoint::text() const {
  if (is_unix()) return unix_path;
  return (is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace posthorn::config
