#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <charconv>
#include <cstring>

#include "net/socket_address.h"

namespace posthorn::net {
namespace {

namespace asio = boost::asio;

// [Unix socket] A socket file that nobody answers on is left over from a crash.
void remove_stale_socket(const std::string& path, const SocketAddress& address, socklen_t length) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  if (::connect(probe, &address.any, length) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
  ::close(probe);
}

}  // namespace

std::string Address::text() const {
  if (!unix_path.empty()) return unix_path;
  return host.find(':') == std::string::npos ? host + ":" + std::to_string(port)
                                             : "[" + host + "]:" + std::to_string(port);
}

Result<Address> parse_address(std::string_view text) {
  Address out;
  if (text.find('/') != std::string_view::npos) {
    out.unix_path = text;
    return out;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::syntax, "address lacks a port");
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc{} || end != port.data() + port.size()) return fail(Errc::syntax, "bad port");
  out.host = host;
  SocketAddress check;
  TRY_OK(fill(check, out));
  return out;
}

struct ConnectionLimits::State {
  mutable std::mutex mutex;
  std::size_t open = 0;
  std::unordered_map<std::string, std::size_t> by_address;
};

ConnectionLimits::ConnectionLimits(std::size_t total, std::size_t per_address)
    : total_(total), per_address_(per_address), state_(std::make_shared<State>()) {}

std::shared_ptr<void> ConnectionLimits::admit_connection() {
  {
    std::lock_guard hold(state_->mutex);
    if (state_->open >= total_) return nullptr;
    ++state_->open;
  }
  return std::shared_ptr<void>(state_.get(), [state = state_](void*) {
    std::lock_guard hold(state->mutex);
    --state->open;
  });
}

std::shared_ptr<void> ConnectionLimits::admit_address(const Peer& peer) {
  {
    std::lock_guard hold(state_->mutex);
    auto& count = state_->by_address[peer.ip];
    if (count >= per_address_) return nullptr;
    ++count;
  }
  return std::shared_ptr<void>(state_.get(), [state = state_, ip = peer.ip](void*) {
    std::lock_guard hold(state->mutex);
    const auto it = state->by_address.find(ip);
    if (--it->second == 0) state->by_address.erase(it);
  });
}

std::size_t ConnectionLimits::open() const {
  std::lock_guard hold(state_->mutex);
  return state_->open;
}

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  Impl(Reactor& r, int fd, OnAccept f) : reactor(r), socket(r.io(), fd), on_accept(std::move(f)) {}
  Reactor& reactor;
  asio::posix::stream_descriptor socket;
  OnAccept on_accept;
  std::uint16_t port = 0;
  std::string unix_path;
  Alarm pause;

  void wait() {
    if (!socket.is_open()) return;
    socket.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error) self->accept_some();
                      });
  }

  void accept_some() {
    for (int i = 0; i < 64; ++i) {  // then let the sessions run
      SocketAddress address;
      socklen_t length = sizeof address;
      std::memset(&address, 0, sizeof address);
      const int fd = ::accept4(socket.native_handle(), &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        on_accept(fd, peer_of(address));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // No descriptors: those who wait stay in the backlog for a moment.
        reactor.wheel().arm(
            pause, after(std::chrono::milliseconds(100)), [](void* self) { static_cast<Impl*>(self)->wait(); }, this);
        return;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      break;
    }
    wait();
  }
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() { stop(); }

Result<std::unique_ptr<Listener>> Listener::open(Reactor& reactor, const Address& address, OnAccept on_accept) {
  SocketAddress where;
  TRY(auto length, fill(where, address));
  const int fd = ::socket(where.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::io, "socket for " + address.text() + ": " + std::strerror(errno));
  const int one = 1;
  if (where.any.sa_family == AF_UNIX) {
    remove_stale_socket(address.unix_path, where, length);
  } else {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);  // every reactor has its own
    if (where.any.sa_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  }
  if (::bind(fd, &where.any, length) != 0 || ::listen(fd, 4096) != 0) {
    const int code = errno;
    ::close(fd);
    return fail(code == EADDRINUSE ? Errc::exists : code == EACCES ? Errc::denied : Errc::io,
                "cannot listen on " + address.text() + ": " + std::strerror(code));
  }
  auto impl = std::make_shared<Impl>(reactor, fd, std::move(on_accept));
  impl->unix_path = address.unix_path;
  SocketAddress bound;
  socklen_t bound_length = sizeof bound;
  if (::getsockname(fd, &bound.any, &bound_length) == 0) impl->port = peer_of(bound).port;
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::uint16_t Listener::port() const { return impl_->port; }

void Listener::start() {
  impl_->reactor.post([impl = impl_] { impl->wait(); });
}

void Listener::stop() {
  if (!impl_->unix_path.empty()) ::unlink(impl_->unix_path.c_str());
  impl_->unix_path.clear();
  impl_->reactor.post([impl = impl_] {
    impl->pause.disarm();
    boost::system::error_code ignored;
    impl->socket.close(ignored);
  });
}

}  // namespace posthorn::net
