#include "dns/records.h"

#include <utility>

#include "text/ascii.h"

namespace posthorn::dns {
namespace {

constexpr std::pair<Type, std::string_view> kNames[] = {
    {Type::a, "A"},     {Type::cname, "CNAME"}, {Type::ptr, "PTR"}, {Type::mx, "MX"},
    {Type::txt, "TXT"}, {Type::aaaa, "AAAA"},   {Type::srv, "SRV"}, {Type::tlsa, "TLSA"},
};

Error damaged(Type type) { return {Errc::syntax, "a damaged " + std::string(to_string(type)) + " record"}; }

std::uint8_t octet(std::string_view s, std::size_t at) { return static_cast<std::uint8_t>(s[at]); }
// Network order.
std::uint16_t two_octets(std::string_view s, std::size_t at) { return static_cast<std::uint16_t>(octet(s, at) << 8 | octet(s, at + 1)); }

// The name that ends the rdata.
Result<Name> last_name(std::string_view rdata, Type type) {
  auto name = Name::take_wire(rdata);
  if (!name || !rdata.empty()) return std::unexpected(damaged(type));
  return name;
}

}  // namespace

std::string_view to_string(Type type) {
  for (const auto& [value, name] : kNames)
    if (value == type) return name;
  return "?";
}

std::optional<Type> type_named(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (text::iequals(name, text)) return value;
  return {};
}

Result<IpAddress> parse_a(std::string_view rdata) {
  if (rdata.size() != 4) return std::unexpected(damaged(Type::a));
  return IpAddress::v4(std::span<const std::uint8_t, 4>(reinterpret_cast<const std::uint8_t*>(rdata.data()), 4));
}

Result<IpAddress> parse_aaaa(std::string_view rdata) {
  if (rdata.size() != 16) return std::unexpected(damaged(Type::aaaa));
  return IpAddress::v6(std::span<const std::uint8_t, 16>(reinterpret_cast<const std::uint8_t*>(rdata.data()), 16));
}

Result<Mx> parse_mx(std::string_view rdata) {
  if (rdata.size() < 3) return std::unexpected(damaged(Type::mx));
  TRY(auto host, last_name(rdata.substr(2), Type::mx));
  return Mx{two_octets(rdata, 0), std::move(host)};
}

Result<Srv> parse_srv(std::string_view rdata) {
  if (rdata.size() < 7) return std::unexpected(damaged(Type::srv));
  TRY(auto target, last_name(rdata.substr(6), Type::srv));
  return Srv{two_octets(rdata, 0), two_octets(rdata, 2), two_octets(rdata, 4), std::move(target)};
}

Result<Tlsa> parse_tlsa(std::string_view rdata) {
  if (rdata.size() < 3) return std::unexpected(damaged(Type::tlsa));
  return Tlsa{octet(rdata, 0), octet(rdata, 1), octet(rdata, 2), std::string(rdata.substr(3))};
}

Result<Txt> parse_txt(std::string_view rdata) {
  if (rdata.empty()) return std::unexpected(damaged(Type::txt));
  Txt out;
  while (!rdata.empty()) {
    const std::size_t length = octet(rdata, 0);
    if (length >= rdata.size()) return std::unexpected(damaged(Type::txt));
    out.text += rdata.substr(1, length);
    rdata.remove_prefix(length + 1);
  }
  return out;
}

Result<Name> parse_name(std::string_view rdata) {
  auto name = Name::take_wire(rdata);
  if (!name || !rdata.empty()) return fail(Errc::syntax, "a damaged record");
  return name;
}

}  // namespace posthorn::dns
