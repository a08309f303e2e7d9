// The PROXY protocol, versions 1 and 2: a load balancer says who the client behind it is. (HAProxy's proxy-protocol.txt, 2020/03/05)
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "net/connection.h"

namespace posthorn::net {

struct ProxyHeader {
  // Not 0: the header is not complete, and has so many more bytes at least.
  std::size_t missing = 0;
  // Who connected to the proxy.  Nothing: the proxy speaks for itself (LOCAL: a health check), or does not know (UNKNOWN, UNSPEC), or
  // the client did not come by TCP: then the connection's own address counts.
  std::optional<Peer> source;
};

// Of one whole header at most; what is longer than its own length says is not given here.  Of what follows the
// addresses (TLVs) only a checksum is looked at.  Errc::syntax: this is no such header.
// `missing` never leads behind the header: who reads just so many bytes, again and again, leaves what follows where it is.
Result<ProxyHeader> parse_proxy_header(std::string_view bytes);

// The most that a header can have: version 2 counts what follows its first 16 bytes in 16 bits; version 1 has at most 107.
inline constexpr std::size_t kMaxProxyHeader = 16 + 65535;

// Takes the header from the connection, not one byte more (TLS may follow), and gives the connection the peer that it names.
// Errors: those of waits; syntax.  REQUIRES: nothing has been read yet, and the other end is a proxy that may say who its clients are.
Task<Result<void>> read_proxy_header(Connection&, Deadline);

}  // namespace posthorn::net
