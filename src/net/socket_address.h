// Between an Address and what the system calls want.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/result.h"
#include "net/connection.h"
#include "net/listener.h"

namespace posthorn::net {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un un;
  sockaddr_storage storage;
};

// Errc::invalid: no numeric address, or a path that is too long.  Returns the length.
Result<socklen_t> fill(SocketAddress& out, const Address&);
Peer peer_of(const SocketAddress&);

}  // namespace posthorn::net
