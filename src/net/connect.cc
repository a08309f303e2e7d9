#include "net/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "async/reactor.h"
#include "net/socket_address.h"

namespace posthorn::net {
namespace {

namespace asio = boost::asio;

std::unexpected<Error> failed(const Address& to, int code) {
  return fail(code == ETIMEDOUT ? Errc::timed_out : Errc::io, "cannot connect to " + to.text() + ": " + std::strerror(code));
}

Result<void> bind_to(int fd, const std::string& source, sa_family_t family) {
  SocketAddress from;
  TRY(const auto length, fill(from, Address{.host = source, .port = 0, .unix_path = {}}));
  if (from.any.sa_family != family) return fail(Errc::invalid, "the source address " + source + " is of another family than the target");
#ifdef IP_BIND_ADDRESS_NO_PORT
  // The port is chosen by connect(), which may take one that is in use with another target.
  const int one = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
#endif
  if (::bind(fd, &from.any, length) != 0) return fail(Errc::io, "cannot connect from " + source + ": " + std::strerror(errno));
  return {};
}

}  // namespace

struct Connector::Attempt {
  explicit Attempt(int fd) : descriptor(Reactor::current().io(), fd) {}
  asio::posix::stream_descriptor descriptor;  // closes it
  Alarm alarm;
  bool timed_out = false;
};

Connector::Connector() = default;
Connector::~Connector() { CHECK(!under_way_); }

void Connector::cancel() {
  cancelled_ = true;
  if (under_way_) under_way_->descriptor.cancel();
}

// Until the socket is connected, or failed.
Task<Result<void>> Connector::wait(Attempt& attempt, Deadline deadline) {
  Reactor::current().wheel().arm(
      attempt.alarm, deadline,
      [](void* self) {
        auto& one = *static_cast<Attempt*>(self);
        one.timed_out = true;
        one.descriptor.cancel();
      },
      &attempt);
  boost::system::error_code error;
  under_way_ = &attempt;
  co_await attempt.descriptor.async_wait(asio::posix::stream_descriptor::wait_write, asio::redirect_error(asio::use_awaitable, error));
  under_way_ = nullptr;
  attempt.alarm.disarm();
  if (cancelled_) co_return fail(Errc::cancelled, "shutting down");
  if (attempt.timed_out) co_return fail(Errc::timed_out, "no answer");
  if (error) co_return fail(Errc::io, error.message());
  co_return Result<void>{};
}

Task<Result<std::unique_ptr<Connection>>> Connector::connect(Address to, std::string source, Deadline deadline) {
  CHECK(!under_way_);
  if (cancelled_) co_return fail(Errc::cancelled, "shutting down");
  SocketAddress address;
  CO_TRY(const auto length, fill(address, to));
  const int fd = ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return failed(to, errno);
  Attempt attempt(fd);
  if (!source.empty()) CO_TRY_OK(bind_to(fd, source, address.any.sa_family));
  if (::connect(fd, &address.any, length) != 0) {
    // A Unix socket whose queue is full says EAGAIN, and there is nothing to wait for.
    if (errno != EINPROGRESS) co_return failed(to, errno);
    auto ready = co_await wait(attempt, deadline);
    if (!ready) co_return fail(ready.error().code, "cannot connect to " + to.text() + ": " + ready.error().text);
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) co_return failed(to, error);
  }
  co_return std::make_unique<Connection>(attempt.descriptor.release(), peer_of(address));
}

}  // namespace posthorn::net
