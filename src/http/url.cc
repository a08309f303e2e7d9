#include "http/url.h"

#include <algorithm>
#include <charconv>

#include "base/ip_address.h"
#include "text/ascii.h"

namespace posthorn::http {
namespace {

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

bool is_host_char(char c) { return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '.' || c == '_'; }

Result<std::uint16_t> parse_port(std::string_view digits) {
  unsigned port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535) return fail(Errc::syntax, "no such port in the URL");
  return static_cast<std::uint16_t>(port);
}

// Takes the host off the front of `rest`.
Result<std::string> take_host(std::string_view& rest) {
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == rest.npos) return fail(Errc::syntax, "the URL has '[' without ']'");
    const auto ip = IpAddress::parse(rest.substr(1, end - 1));
    if (!ip || ip->is_v4()) return fail(Errc::syntax, "no IPv6 address between the brackets of the URL");
    rest.remove_prefix(end + 1);
    return ip->text();
  }
  const auto end = std::min(rest.find(':'), rest.size());
  const auto host = rest.substr(0, end);
  const bool dots_are_good = !host.starts_with('.') && host.find("..") == host.npos;
  if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, is_host_char) || !dots_are_good) return fail(Errc::syntax, "no host in the URL");
  rest.remove_prefix(end);
  return text::to_lower(host);
}

}  // namespace

std::string Url::authority() const {
  std::string out = host.find(':') == host.npos ? host : '[' + host + ']';
  if (port != (tls ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::string Url::text() const { return (tls ? "https://" : "http://") + authority() + target; }

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrl) return fail(Errc::syntax, "the URL is too long");
  if (!std::ranges::all_of(text, is_visible)) return fail(Errc::syntax, "the URL has characters that none can have");
  Url url;
  if (text::istarts_with(text, "https://")) text.remove_prefix(8);
  else if (text::istarts_with(text, "http://")) {
    url.tls = false;
    url.port = 80;
    text.remove_prefix(7);
  } else {
    return fail(Errc::syntax, "the URL begins with neither https:// nor http://");
  }
  text = text.substr(0, text.find('#'));
  const auto end = std::min(text.find_first_of("/?"), text.size());
  auto authority = text.substr(0, end);
  if (authority.find('@') != authority.npos) return fail(Errc::invalid, "the URL has a user name");
  TRY(url.host, take_host(authority));
  if (!authority.empty()) {
    if (authority.front() != ':') return fail(Errc::syntax, "the URL goes on behind its host");
    authority.remove_prefix(1);
    if (!authority.empty()) {  // [RFC3986 3.2.3] A port may be empty.
      TRY(url.port, parse_port(authority));
    }
  }
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

}  // namespace posthorn::http
