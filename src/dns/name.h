// A domain name.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"

namespace posthorn::dns {

inline constexpr std::size_t kMaxLabel = 63;      // octets [RFC1035 2.3.4]
inline constexpr std::size_t kMaxWireName = 255;  // octets, with the length octets and the root's [RFC1035 2.3.4]

// A value; names that differ in case only are equal [RFC4343 3].
//
// INVARIANT 1: within the limits above, every label in lower case, one spelling for every name: "mail.example.org", without the
// final dot; the root is ".".  A dot or a backslash inside a label is written "\.", "\\"; a space, a control or an octet above 126 "\DDD".
class Name {
 public:
  Name() = default;  // the root
  // As people and zone files write it: ASCII, the final dot optional, "\X" and "\DDD" understood, "." is the root.
  // Errc::syntax (empty label, bad escape, no ASCII), Errc::limit.
  static Result<Name> parse(std::string_view);
  // The domain of a mail address or of the configuration: UTF-8, whose U-labels become A-labels [RFC5890 2.3.2.1].
  // As strict as parse(), and no root.
  static Result<Name> from_domain(std::string_view utf8);
  // Takes a name from the front of uncompressed rdata.  Errc::syntax; a compression pointer is one.
  static Result<Name> take_wire(std::string_view& bytes);
  // "1.2.0.192.in-addr.arpa", for PTR look-ups [RFC1035 3.5] [RFC3596 2.5].
  static Name reverse(const IpAddress&);

  const std::string& text() const { return text_; }
  void put_wire(std::string& out) const;
  std::size_t wire_size() const;

  bool is_root() const { return text_ == "."; }
  // May a host have this name?  Letters, digits, hyphens inside labels [RFC1123 2.1]; "_" is accepted, real ones have it.
  bool is_host_name() const;
  // "192.0.2.1": no name, but found in MX records.
  std::optional<IpAddress> as_address() const;
  Name parent() const;                            // without its first label; the root's is the root
  bool is_at_or_below(const Name& ancestor) const;
  // "_25._tcp" before this name.  Errc as parse().
  Result<Name> below(std::string_view labels) const;

  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  std::string text_ = ".";
};

}  // namespace posthorn::dns

template <>
struct std::hash<posthorn::dns::Name> {
  std::size_t operator()(const posthorn::dns::Name& name) const noexcept { return std::hash<std::string>{}(name.text()); }
};
