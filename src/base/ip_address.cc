#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace posthorn {
namespace {

using Bytes16 = std::array<std::uint8_t, 16>;

Reach reach_of_v4(std::uint8_t a, std::uint8_t b) {
  if (a == 0) return Reach::none;
  if (a == 127) return Reach::loopback;
  if (a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168)) return Reach::private_use;  // [RFC1918 3]
  if (a == 100 && b >= 64 && b < 128) return Reach::private_use;                                        // [RFC6598 7]
  if (a == 169 && b == 254) return Reach::link_local;
  if (a >= 224 && a < 240) return Reach::multicast;
  if (a >= 240) return Reach::none;  // reserved, and broadcast
  return Reach::global;
}

// Where in an IPv6 address the IPv4 address is that its packets really go to.
std::optional<std::size_t> embedded_v4(const Bytes16& b) {
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr std::uint8_t kTranslated[12] = {0, 0x64, 0xff, 0x9b};  // 64:ff9b::/96 [RFC6052 2.1]
  if (std::equal(kMapped, kMapped + 12, b.begin())) return 12;
  if (std::equal(kTranslated, kTranslated + 12, b.begin())) return 12;
  if (b[0] == 0x20 && b[1] == 0x02) return 2;  // 6to4, 2002::/16
  return {};
}

}  // namespace

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::global: return "global";
    case Reach::private_use: return "private";
    case Reach::loopback: return "loopback";
    case Reach::link_local: return "link-local";
    case Reach::multicast: return "multicast";
    case Reach::none: return "reserved";
  }
  return "reserved";
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress out;
  const std::string copy(text.substr(0, INET6_ADDRSTRLEN));
  if (text.size() <= INET6_ADDRSTRLEN && copy.find('\0') == copy.npos) {
    out.v4_ = true;
    if (::inet_pton(AF_INET, copy.c_str(), out.bytes_.data()) == 1) return out;
    out.v4_ = false;
    if (::inet_pton(AF_INET6, copy.c_str(), out.bytes_.data()) == 1) return out;
  }
  return fail(Errc::syntax, "no IP address");
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress out;
  out.v4_ = true;
  std::ranges::copy(bytes, out.bytes_.begin());
  return out;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress out;
  std::ranges::copy(bytes, out.bytes_.begin());
  return out;
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN];
  return ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), out, sizeof out) ? out : "";
}

Reach IpAddress::reach() const {
  const auto& b = bytes_;
  if (v4_) return reach_of_v4(b[0], b[1]);
  if (const auto at = embedded_v4(b)) return reach_of_v4(b[*at], b[*at + 1]);
  if (b[0] == 0xff) return Reach::multicast;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return Reach::link_local;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return Reach::private_use;  // site-local, deprecated
  if ((b[0] & 0xfe) == 0xfc) return Reach::private_use;                  // [RFC4193 3.1]
  if (std::all_of(b.begin(), b.end() - 1, [](std::uint8_t x) { return x == 0; })) {
    if (b[15] == 1) return Reach::loopback;
    if (b[15] == 0) return Reach::none;
  }
  // [RFC4291 2.4] What is not 2000::/3 is not given out.
  return (b[0] & 0xe0) == 0x20 ? Reach::global : Reach::none;
}

}  // namespace posthorn
