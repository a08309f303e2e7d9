#include "base/ip_network.h"

#include <charconv>
#include <string>

namespace posthorn {
namespace {

// Do the first `bits` bits agree?  REQUIRES: there are as many.
bool agree(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  for (unsigned i = 0; bits > 0; ++i) {
    const unsigned here = bits < 8 ? bits : 8;
    if ((a[i] ^ b[i]) >> (8 - here) != 0) return false;
    bits -= here;
  }
  return true;
}

bool is_zero_behind(std::span<const std::uint8_t> bytes, unsigned bits) {
  for (unsigned i = bits; i < bytes.size() * 8; ++i)
    if (bytes[i / 8] >> (7 - i % 8) & 1) return false;
  return true;
}

bool is_between(char c) { return c == ' ' || c == ',' || c == '\t'; }

}  // namespace

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto bad = [&](const char* what) { return fail(Errc::invalid, "names '" + std::string(text.substr(0, 60)) + "', which " + what); };
  IpNetwork out;
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad("is no network: write 192.0.2.0/24, 2001:db8::/32, or an address");
  out.first_ = *address;
  const auto width = static_cast<unsigned>(address->bytes().size() * 8);
  out.prefix_ = width;
  if (slash == text.npos) return out;
  const auto digits = text.substr(slash + 1);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out.prefix_);
  if (code != std::errc() || end != digits.data() + digits.size() || out.prefix_ > width)
    return bad(width == 32 ? "must have a prefix of 0 to 32" : "must have a prefix of 0 to 128");
  if (!is_zero_behind(address->bytes(), out.prefix_)) return bad("is no network: there are bits behind the prefix");
  return out;
}

bool IpNetwork::contains(const IpAddress& address) const {
  return address.is_v4() == first_.is_v4() && agree(address.bytes(), first_.bytes(), prefix_);
}

Result<IpNetworks> IpNetworks::parse(std::string_view text) {
  IpNetworks out;
  while (!text.empty()) {
    std::size_t n = 0;
    while (n < text.size() && !is_between(text[n])) ++n;
    if (n > 0) {
      TRY(const auto network, IpNetwork::parse(text.substr(0, n)));
      out.add(network);
    }
    text.remove_prefix(n < text.size() ? n + 1 : n);
  }
  return out;
}

bool IpNetworks::contain(std::string_view ip) const {
  if (networks_.empty()) return false;
  const auto address = IpAddress::parse(ip);
  if (!address) return false;
  for (const auto& network : networks_)
    if (network.contains(*address)) return true;
  return false;
}

}  // namespace posthorn
