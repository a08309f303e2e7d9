// Resource records as values, and their rdata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/result.h"
#include "dns/name.h"

namespace posthorn::dns {

enum class Type : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, srv = 33, tlsa = 52 };
std::string_view to_string(Type);                // "MX"
std::optional<Type> type_named(std::string_view);  // in any case

struct Mx {  // [RFC1035 3.3.9]
  std::uint16_t preference = 0;  // the lowest is tried first
  Name host;                     // the root: null MX [RFC7505 3]
  friend bool operator==(const Mx&, const Mx&) = default;
};

struct Srv {  // [RFC2782]
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  Name target;  // the root: the service is decidedly not there
  friend bool operator==(const Srv&, const Srv&) = default;
};

struct Tlsa {  // [RFC6698 2.1]; the values are not judged here
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching_type = 0;
  std::string data;  // bytes
  friend bool operator==(const Tlsa&, const Tlsa&) = default;
};

struct Txt {  // [RFC1035 3.3.14]
  std::string text;  // the record's strings put together, nothing between them [RFC7208 3.3] [RFC6376 3.6.2.2] [RFC8461 3.1]
  friend bool operator==(const Txt&, const Txt&) = default;
};

// Readers of one record's rdata, names not compressed.  Errc::syntax: damaged, or bytes left over.
Result<IpAddress> parse_a(std::string_view rdata);
Result<IpAddress> parse_aaaa(std::string_view rdata);
Result<Mx> parse_mx(std::string_view rdata);
Result<Srv> parse_srv(std::string_view rdata);
Result<Tlsa> parse_tlsa(std::string_view rdata);
Result<Txt> parse_txt(std::string_view rdata);
Result<Name> parse_name(std::string_view rdata);  // PTR, CNAME

// Rdata from what a zone file says behind the type: "10 mx1.example.org", "3 1 1 ABCD..", "\"v=spf1\" \" -all\"".  Names are taken as
// absolute.  Errc::syntax.
Result<std::string> rdata_from_text(Type, std::string_view);

}  // namespace posthorn::dns
