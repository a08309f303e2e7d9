#include "net/socket_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace posthorn::net {

Result<socklen_t> fill(SocketAddress& out, const Address& address) {
  std::memset(&out, 0, sizeof out);
  if (!address.unix_path.empty()) {
    if (address.unix_path.size() >= sizeof out.un.sun_path)
      return fail(Errc::invalid, "socket path too long: " + address.unix_path);
    out.un.sun_family = AF_UNIX;
    std::memcpy(out.un.sun_path, address.unix_path.c_str(), address.unix_path.size() + 1);
    return static_cast<socklen_t>(sizeof out.un);
  }
  if (::inet_pton(AF_INET, address.host.c_str(), &out.v4.sin_addr) == 1) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    return static_cast<socklen_t>(sizeof out.v4);
  }
  if (::inet_pton(AF_INET6, address.host.c_str(), &out.v6.sin6_addr) == 1) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    return static_cast<socklen_t>(sizeof out.v6);
  }
  return fail(Errc::invalid, "not a numeric address: " + address.host);
}

Peer peer_of(const SocketAddress& address) {
  Peer peer;
  char text[INET6_ADDRSTRLEN] = "";
  if (address.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
    peer.port = ntohs(address.v4.sin_port);
    peer.loopback = (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
  } else if (address.any.sa_family == AF_INET6) {
    const auto& v6 = address.v6.sin6_addr;
    peer.port = ntohs(address.v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
      peer.loopback = v6.s6_addr[12] == 127;
    } else {
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
      peer.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    }
  } else {
    peer.loopback = true;
  }
  peer.ip = text;
  return peer;
}

}  // namespace posthorn::net
