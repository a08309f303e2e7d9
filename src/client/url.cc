#include "client/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/ip_address.h"
#include "text/ascii.h"
#include "text/idna.h"
#include "text/utf8.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMaxUrl = 8192;

enum class Path : std::uint8_t { none, mailbox, socket, local };
struct SchemeRow {
  Scheme scheme;
  std::string_view name;
  std::uint16_t port;
  Path path;
};
constexpr std::array kSchemes{
    SchemeRow{Scheme::smtp, "smtp", 25, Path::none},
    SchemeRow{Scheme::submission, "submission", 587, Path::none},
    SchemeRow{Scheme::submissions, "submissions", 465, Path::none},
    SchemeRow{Scheme::lmtp, "lmtp", 0, Path::socket},
    SchemeRow{Scheme::imap, "imap", 143, Path::mailbox},
    SchemeRow{Scheme::imaps, "imaps", 993, Path::mailbox},
    SchemeRow{Scheme::pop3, "pop3", 110, Path::none},
    SchemeRow{Scheme::pop3s, "pop3s", 995, Path::none},
    SchemeRow{Scheme::smap, "smap", 143, Path::mailbox},
    SchemeRow{Scheme::smaps, "smaps", 993, Path::mailbox},
    SchemeRow{Scheme::maildir, "maildir", 0, Path::local},
    SchemeRow{Scheme::mbox, "mbox", 0, Path::local},
    SchemeRow{Scheme::posthorn, "posthorn", 0, Path::local},
};
const SchemeRow& row(Scheme s) { return kSchemes[static_cast<std::size_t>(s)]; }

// For a message that may end in a log: at most 200 bytes, and none of what stands between a colon and the host.
std::string without_password(std::string_view s) {
  const auto slashes = s.find("//");
  const auto at = s.rfind('@');
  const auto colon = slashes == s.npos ? s.npos : s.find(':', slashes);
  std::string out(s.substr(0, 200));
  if (at != s.npos && colon < at)
    out = std::string(s.substr(0, std::min<std::size_t>(colon, 200))) + ":..." + std::string(s.substr(at, 200));
  return out;
}

std::unexpected<Error> wrong(std::string text) { return fail(Errc::syntax, std::move(text)); }

// C0, DEL and C1.
bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }
bool has_control(std::string_view s) {
  while (!s.empty()) {
    const auto step = text::next_utf8(s);
    if (step.valid ? is_control(step.character) : is_control(static_cast<unsigned char>(s.front()))) return true;
    s.remove_prefix(step.length);
  }
  return false;
}

Result<std::string> decode(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    const int high = i + 1 < s.size() ? text::hex_value(s[i + 1]) : -1;
    const int low = i + 2 < s.size() ? text::hex_value(s[i + 2]) : -1;
    if (high < 0 || low < 0) return wrong("behind % belong two hexadecimal digits (% itself is %25)");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// What means something in a URL is encoded, `also_plain` not; UTF-8 stays readable.
std::string encode(std::string_view s, std::string_view also_plain) {
  constexpr std::string_view kUnreserved = "-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const bool utf8 = text::is_valid_utf8(s);
  std::string out;
  for (const char c : s) {
    const bool plain =
        text::is_alpha(c) || text::is_digit(c) || kUnreserved.contains(c) || also_plain.contains(c) || (utf8 && !text::is_ascii(c));
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

Result<std::string> with_home(std::string path) {
  if (!path.starts_with("~/")) return path;
  const char* const home = std::getenv("HOME");
  if (!home || *home != '/' || has_control(home)) return wrong("~/ stands for the home directory, and $HOME does not say where that is");
  return home + path.substr(1);
}

Result<std::string> take_user(std::string_view s) {
  // [RFC3986 3.2.1] "Applications should not render as clear text any data after the first colon": we do not even take it.
  if (s.contains(':')) return wrong("a password does not belong into a URL, where others can see it (a colon in the user's name is %3A)");
  if (text::to_lower(s).contains(";auth=")) return wrong("a mechanism cannot be chosen in a URL (\";AUTH=\")");
  TRY(auto user, decode(s));
  if (user.empty()) return wrong("there is no name before the @");
  if (!text::is_valid_utf8(user)) return wrong("the user's name is no UTF-8");
  return user;
}

Result<std::string> take_host(std::string_view s) {
  if (s.starts_with('[')) {
    const auto address = IpAddress::parse(s.substr(1, s.size() - 2));
    if (!address || address->is_v4()) return wrong("between [ and ] belongs an IPv6 address, without a zone");
    return address->text();
  }
  TRY(const auto name, decode(s));
  if (name.empty()) return wrong("there is no host in it");
  auto ascii = text::domain_to_ascii(name);
  if (!ascii) return wrong("this is no name of a host: " + ascii.error().text);
  bool good = !ascii->starts_with('.') && !ascii->starts_with('-') && !ascii->contains("..");
  for (const char c : *ascii) good = good && (text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_' || c == '.');
  if (!good) return wrong("this is no name of a host: " + name);
  return ascii;
}

Result<std::uint16_t> take_port(std::string_view s) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), port);
  if (error != std::errc() || end != s.data() + s.size() || port == 0) return wrong("a port is a number from 1 to 65535");
  return port;
}

// [RFC3986 3.2] authority = [ userinfo "@" ] host [ ":" port ]
Result<void> take_authority(MailUrl& url, std::string_view s) {
  if (const auto at = s.rfind('@'); at != s.npos) {
    TRY(url.user, take_user(s.substr(0, at)));
    s.remove_prefix(at + 1);
  }
  auto host_end = s.find(':');
  if (s.starts_with('[')) {
    host_end = s.find(']');
    if (host_end == s.npos) return wrong("a ] is missing behind the address");
    ++host_end;
    if (host_end < s.size() && s[host_end] != ':') return wrong("only a colon and a port may follow the ]");
  } else if (host_end != s.rfind(':')) {
    return wrong("an IPv6 address stands between [ and ]");
  }
  TRY(url.host, take_host(s.substr(0, host_end)));
  if (host_end < s.size()) {
    TRY(url.port, take_port(s.substr(host_end + 1)));
  }
  return {};
}

Result<void> take_server(MailUrl& url, std::string_view rest) {
  if (rest.find_first_of("?#") != rest.npos) return wrong("? and # mean nothing here; in a name they are written %3F and %23");
  rest.remove_prefix(2);  // "//"
  const auto slash = rest.find('/');
  const auto path = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  TRY_OK(take_authority(url, rest.substr(0, slash)));
  if (url.scheme == Scheme::lmtp && url.port == 0) return wrong("LMTP has no port of its own: lmtp://HOST:PORT, or lmtp:/PATH");
  if (path.empty()) return {};
  if (row(url.scheme).path != Path::mailbox) return wrong("nothing may follow the host and its port");
  TRY(url.path, decode(path));
  if (!text::is_valid_utf8(url.path)) return wrong("the mailbox's name is no UTF-8");
  return {};
}

Result<void> take_socket(MailUrl& url, std::string_view rest) {
  if (rest.starts_with("///")) rest.remove_prefix(2);
  TRY(auto path, decode(rest));
  TRY(url.path, with_home(std::move(path)));
  if (!url.path.starts_with('/')) return wrong("the path of a socket begins with /");
  return {};
}

Result<MailUrl> take_url(std::string_view s) {
  if (s.size() > kMaxUrl) return wrong("this is too long");
  const auto colon = s.find(':');
  const auto name = text::to_lower(s.substr(0, colon));
  MailUrl url;
  bool known = false;
  for (const auto& one : kSchemes) {
    if (colon == s.npos || one.name != name) continue;
    url.scheme = one.scheme;
    known = true;
  }
  if (!known)
    return wrong(
        "it must begin with smtp:// submission:// submissions:// lmtp:// imap:// imaps:// pop3:// pop3s:// smap:// smaps:// "
        "maildir: mbox: or posthorn:");
  const auto rest = s.substr(colon + 1);
  const auto kind = row(url.scheme).path;
  if (kind == Path::local) {
    url.path = rest;
    if (url.scheme != Scheme::posthorn) {
      TRY(url.path, with_home(std::move(url.path)));
    }
    if (url.path.empty()) return wrong("there is nothing behind the colon");
  } else if (kind == Path::socket && (!rest.starts_with("//") || rest.starts_with("///"))) {
    TRY_OK(take_socket(url, rest));
  } else {
    if (!rest.starts_with("//")) return wrong("behind the colon belongs //");
    TRY_OK(take_server(url, rest));
  }
  if (has_control(url.user) || has_control(url.path)) return wrong("there is a control character in it");
  return url;
}

}  // namespace

std::string_view to_string(Scheme s) { return row(s).name; }
std::uint16_t default_port(Scheme s) { return row(s).port; }
bool is_server(Scheme s) { return row(s).path != Path::local; }

Result<MailUrl> parse_mail_url(std::string_view s) {
  auto url = take_url(s);
  if (url) return url;
  return wrong("'" + without_password(s) + "': " + url.error().text);
}

std::string to_string(const MailUrl& url) {
  std::string out = std::string(to_string(url.scheme)) + ':';
  if (!is_server(url.scheme)) return out + url.path;
  // [RFC3986 3.3] A path that begins with "//" would be taken for a host.
  if (url.host.empty()) return out + (url.path.starts_with("//") ? "//" : "") + encode(url.path, "/@:+=,");
  out += "//";
  if (!url.user.empty()) out += encode(url.user, "@+=,") + '@';
  out += url.host.contains(':') ? '[' + url.host + ']' : url.host;
  if (url.port != 0) out += ':' + std::to_string(url.port);
  if (!url.path.empty()) out += '/' + encode(url.path, "/@:+=,");
  return out;
}

}  // namespace posthorn::client
