// An IPv4 or IPv6 address as a value, without port and zone.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn {

// Where a packet to an address goes.  An IPv6 address that carries an IPv4 one (mapped, translated, 6to4) is what that one is.
enum class Reach {
  global,       // the world, as far as the address says
  private_use,  // [RFC1918] [RFC6598] [RFC4193]
  loopback,
  link_local,
  multicast,
  none,         // 0.0.0.0/8, ::, broadcast, reserved: nobody can be there
};
std::string_view to_string(Reach);

class IpAddress {
 public:
  IpAddress() = default;  // ::
  // Numeric form, no brackets, no zone; Errc::syntax.
  static Result<IpAddress> parse(std::string_view);
  static IpAddress v4(std::span<const std::uint8_t, 4>);
  static IpAddress v6(std::span<const std::uint8_t, 16>);

  bool is_v4() const { return v4_; }
  // In network order: 4 or 16.
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), v4_ ? 4u : 16u}; }
  std::string text() const;  // IPv6 as in [RFC5952]
  Reach reach() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = false;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4: the first four, zeros behind
};

}  // namespace posthorn

template <>
struct std::hash<posthorn::IpAddress> {
  std::size_t operator()(const posthorn::IpAddress& a) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(a.bytes().data()), a.bytes().size()});
  }
};
