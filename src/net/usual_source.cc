#include "net/usual_source.h"

#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "net/socket_address.h"

namespace posthorn::net {

// A datagram socket that is connected has looked up its route, and nothing more.
std::string usual_source(const Address& to) {
  SocketAddress address{};
  const auto length = fill(address, to);
  if (!length || !to.unix_path.empty()) return {};
  const FileDescriptor fd(::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.fd() < 0 || ::connect(fd.fd(), &address.any, *length) != 0) return {};
  SocketAddress own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd.fd(), &own.any, &size) != 0) return {};
  return peer_of(own).ip;
}

}  // namespace posthorn::net
