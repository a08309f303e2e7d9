// Addresses of web servers, as far as we call them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::http {

struct Url {
  bool tls = true;
  std::string host;        // a name in lower case, or an address; IPv6 without brackets
  std::uint16_t port = 443;
  std::string target = "/";  // path and query
  std::string authority() const;  // for the Host field: the port when it is not the usual one, IPv6 in brackets
  std::string text() const;
  friend bool operator==(const Url&, const Url&) = default;
};

inline constexpr std::size_t kMaxUrl = 2048;

// [RFC3986 3] [RFC9110 4.2] "http" and "https" with a host, visible ASCII only; a fragment is dropped.  Errc::syntax: no such thing, or longer than
// kMaxUrl; Errc::invalid: it has a user name, which nobody should believe.
Result<Url> parse_url(std::string_view);

}  // namespace posthorn::http
