#include "net/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <cstring>

#include "async/reactor.h"
#include "net/tls_verifier.h"

namespace posthorn::net {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kKeepCapacity = 4 * Connection::kLargeOutput;  // of the output, while a long answer goes out
constexpr std::size_t kDecompressedAtOnce = 64 * 1024;
constexpr std::size_t kCompressedAtOnce = 64 * 1024;

// [RFC8446 4.6.1] A server's ticket goes with this answer: who connects, fails to sign in and leaves costs no ticket.
constexpr int kTicketWith = 4;

Error io_error(const char* what, int code) {
  if (code == ECONNRESET || code == EPIPE || code == ENOTCONN) return {Errc::closed, "the peer closed the connection"};
  return {Errc::io, std::string(what) + ": " + std::strerror(code)};
}

std::string handshake_error() {
  const auto code = ERR_get_error();
  if (code == 0) return "protocol error";
  const int reason = ERR_GET_REASON(code);
  const bool is_plain = reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST;
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && is_plain) return "the peer does not speak TLS";
  const char* text = ERR_reason_error_string(code);
  return text ? text : "protocol error";
}

void set_non_blocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace

struct Connection::Impl {
  explicit Impl(int fd) : descriptor(Reactor::current().io(), fd) {}
  asio::posix::stream_descriptor descriptor;
  Alarm alarm;
  std::shared_ptr<const TlsContext> context;
  int sent = 0;  // answers over TLS, up to kTicketWith
  bool waiting = false;
  bool waiting_to_read = false;
  bool timed_out = false;
};

std::string Peer::text() const {
  if (ip.empty()) return loopback ? "unix" : "unknown";
  return ip.find(':') == std::string::npos ? ip + ":" + std::to_string(port) : "[" + ip + "]:" + std::to_string(port);
}

Peer peer_at(const IpAddress& address, std::uint16_t port) {
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const auto bytes = address.bytes();
  const bool mapped = !address.is_v4() && std::equal(kMapped, kMapped + 12, bytes.begin());
  const IpAddress shown = mapped ? IpAddress::v4(bytes.subspan<12, 4>()) : address;
  const std::string text = shown.text();
  return {.ip = text, .port = port, .loopback = shown.is_v4() ? shown.bytes()[0] == 127 : text == "::1"};
}

Connection::Connection(int fd, Peer peer) : peer_(std::move(peer)) {
  set_non_blocking(fd);
  const int one = 1;
  // Without it a TLS handshake may wait 40 ms for a delayed acknowledgement.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  impl_ = std::make_unique<Impl>(fd);
}

Connection::~Connection() { close(); }

void Connection::close() {
  if (ssl_) {
    auto* ssl = static_cast<SSL*>(std::exchange(ssl_, nullptr));
    SSL_set_quiet_shutdown(ssl, 0);
    ERR_clear_error();
    SSL_shutdown(ssl);  // close_notify, best effort [RFC8446 6.1]
    SSL_free(ssl);
  }
  if (impl_ && impl_->descriptor.is_open()) {
    if (ends_with_process_) discard_unsent(false);
    impl_->alarm.disarm();
    boost::system::error_code ignored;
    impl_->descriptor.close(ignored);
  }
}

void Connection::discard_unsent(bool on) {
  const linger how{.l_onoff = on, .l_linger = 0};
  if (impl_ && impl_->descriptor.is_open()) ::setsockopt(impl_->descriptor.native_handle(), SOL_SOCKET, SO_LINGER, &how, sizeof how);
}

void Connection::close_at_once() {
  ends_with_process_ = false;
  discard_unsent(true);
  close();
}

void Connection::end_with_process() {
  ends_with_process_ = true;
  discard_unsent(true);
}

void Connection::acknowledge_now() {
  const int one = 1;
  if (impl_->descriptor.is_open())
    ::setsockopt(impl_->descriptor.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

void Connection::interrupt() {
  interrupted_ = true;
  if (impl_->waiting && waiting_interruptible_) impl_->descriptor.cancel();
}

void Connection::shut_down() {
  shut_down_ = true;
  // What is being sent may go out: only waits for the peer's next words end.
  if (impl_->waiting && impl_->waiting_to_read) impl_->descriptor.cancel();
}

void Connection::abort() {
  shut_down_ = aborted_ = true;
  if (impl_->waiting) impl_->descriptor.cancel();
}

Task<Result<void>> Connection::wait_ready(Direction direction, Deadline deadline, bool interruptible) {
  if (!impl_->descriptor.is_open()) co_return fail(Errc::closed, "the connection is closed");
  if (aborted_ || (shut_down_ && direction == Direction::read)) co_return fail(Errc::cancelled, "shutting down");
  if (interruptible && interrupted_) co_return Result<void>{};
  impl_->timed_out = false;
  Reactor::current().wheel().arm(
      impl_->alarm, deadline,
      [](void* self) {
        auto& impl = *static_cast<Impl*>(self);
        impl.timed_out = true;
        impl.descriptor.cancel();
      },
      impl_.get());
  boost::system::error_code error;
  impl_->waiting = true;
  impl_->waiting_to_read = direction == Direction::read;
  waiting_interruptible_ = interruptible;
  co_await impl_->descriptor.async_wait(direction == Direction::read ? asio::posix::stream_descriptor::wait_read
                                                                      : asio::posix::stream_descriptor::wait_write,
                                        asio::redirect_error(asio::use_awaitable, error));
  impl_->waiting = false;
  impl_->alarm.disarm();
  if (impl_->timed_out) co_return fail(Errc::timed_out, "the peer was silent too long");
  if (aborted_ || (shut_down_ && direction == Direction::read)) co_return fail(Errc::cancelled, "shutting down");
  if (error == asio::error::operation_aborted) {
    if (interrupted_ && interruptible) co_return Result<void>{};
    co_return fail(Errc::cancelled, "the wait was ended");
  }
  if (error) co_return std::unexpected(Error{Errc::io, error.message()});
  co_return Result<void>{};
}

// 0 bytes: nothing there yet.
Result<std::size_t> Connection::receive(std::span<char> scratch, bool& want_write) {
  want_write = false;
  if (!impl_->descriptor.is_open()) return fail(Errc::closed, "the connection is closed");
  std::size_t got = 0;
  if (ssl_) {
    auto* ssl = static_cast<SSL*>(ssl_);
    ERR_clear_error();
    const int n = SSL_read(ssl, scratch.data(), static_cast<int>(scratch.size()));
    if (n > 0) {
      got = static_cast<std::size_t>(n);
    } else {
      switch (SSL_get_error(ssl, n)) {
        case SSL_ERROR_WANT_READ: return 0;
        case SSL_ERROR_WANT_WRITE: want_write = true; return 0;
        case SSL_ERROR_ZERO_RETURN: return fail(Errc::closed, "the peer closed the connection");
        case SSL_ERROR_SYSCALL: return fail(Errc::closed, "the peer closed the connection without TLS close");
        default: return fail(Errc::io, "TLS: damaged record or protocol error");
      }
    }
  } else {
    const ssize_t n = ::recv(impl_->descriptor.native_handle(), scratch.data(), scratch.size(), 0);
    if (n == 0) return fail(Errc::closed, "the peer closed the connection");
    if (n < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
      return std::unexpected(io_error("recv", errno));
    }
    got = static_cast<std::size_t>(n);
  }
  return got;
}

// 0 bytes: nothing there yet.
Result<std::size_t> Connection::try_read(bool& want_write) {
  if (deflate_) return decompress(want_write);
  auto scratch = Reactor::current().scratch();
  TRY(const auto got, receive(scratch, want_write));
  append_input({scratch.data(), got});
  return got;
}

// Few bytes can become very many: what is not taken out now waits, compressed, for the next call.
Result<std::size_t> Connection::decompress(bool& want_write) {
  want_write = false;
  std::string plain;
  while (plain.empty()) {
    if (packed_in_.empty() && !deflate_->more_output()) {
      auto scratch = Reactor::current().scratch();
      TRY(const auto got, receive(scratch, want_write));
      if (got == 0) return 0;
      packed_in_.assign(scratch.data(), got);
    }
    std::string_view packed = packed_in_;
    auto done = deflate_->decompress(packed, kDecompressedAtOnce, plain);
    packed_in_.erase(0, packed_in_.size() - packed.size());
    if (!done && plain.empty()) return std::unexpected(std::move(done).error());
  }
  append_input(plain);
  return plain.size();
}

void Connection::start_compression() {
  CHECK(!deflate_ && out_.empty());
  deflate_ = std::make_unique<Deflate>();
  packed_in_ = input();
  consume(packed_in_.size());
}

void Connection::append_input(std::string_view bytes) {
  if (in_start_ == in_.size()) {
    in_.clear();
    in_start_ = 0;
  } else if (in_start_ > in_.size() / 2) {
    in_.erase(0, in_start_);
    in_start_ = 0;
  }
  in_.append(bytes);
}

void Connection::consume(std::size_t n) {
  CHECK(n <= in_.size() - in_start_);
  in_start_ += n;
  line_scanned_ = line_scanned_ > n ? line_scanned_ - n : 0;
}

// INVARIANT 1
void Connection::release_idle_buffers() {
  if (in_start_ == in_.size() && in_.capacity() > 15) {
    std::string().swap(in_);
    in_start_ = 0;
  }
  if (out_.empty() && out_.capacity() > 15) std::string().swap(out_);
  if (packed_in_.empty() && packed_in_.capacity() > 15) std::string().swap(packed_in_);
}

Task<Result<Wake>> Connection::read_more_or_interrupt(Deadline deadline) {
  for (;;) {
    bool want_write = false;
    CO_TRY(auto got, try_read(want_write));
    if (got) co_return Wake::input;
    if (std::exchange(interrupted_, false)) co_return Wake::interrupted;
    release_idle_buffers();
    if (deflate_) deflate_->rest();  // who waits like this waits long
    CO_TRY_OK(co_await wait_ready(want_write ? Direction::write : Direction::read, deadline, true));
  }
}

Task<Result<void>> Connection::read_more(Deadline deadline) {
  for (;;) {
    bool want_write = false;
    CO_TRY(auto got, try_read(want_write));
    if (got) co_return Result<void>{};
    release_idle_buffers();
    CO_TRY_OK(co_await wait_ready(want_write ? Direction::write : Direction::read, deadline, false));
  }
}

Task<Result<void>> Connection::read_exactly(std::size_t n, Deadline deadline) {
  CHECK(!ssl_ && !deflate_);
  while (n > 0) {
    auto scratch = Reactor::current().scratch();
    bool want_write = false;
    CO_TRY(const auto got, receive(scratch.first(std::min(n, scratch.size())), want_write));
    append_input({scratch.data(), got});
    n -= got;
    if (got == 0) CO_TRY_OK(co_await wait_ready(Direction::read, deadline, false));
  }
  co_return Result<void>{};
}

Result<bool> Connection::read_available() {
  if (!impl_->descriptor.is_open()) return fail(Errc::closed, "the connection is closed");
  bool want_write = false;
  TRY(const auto got, try_read(want_write));
  return got > 0;
}

Task<Result<std::string_view>> Connection::read_line(std::size_t limit, LineEnd ends, Deadline deadline) {
  for (;;) {
    const std::string_view in = input();
    std::size_t from = line_scanned_;
    for (;;) {
      const auto lf = in.find('\n', from);
      if (lf == std::string_view::npos) break;
      const bool cr = lf > 0 && in[lf - 1] == '\r';
      if (!cr && ends == LineEnd::crlf) {
        from = lf + 1;
        continue;
      }
      const std::string_view line = in.substr(0, cr ? lf - 1 : lf);
      consume(lf + 1);
      line_scanned_ = 0;
      if (std::exchange(discarding_line_, false) || line.size() > limit)
        co_return fail(Errc::too_large, "line longer than " + std::to_string(limit) + " bytes");
      co_return line;
    }
    line_scanned_ = in.size();
    if (in.size() > limit + 2) {  // keep the last byte: it may be the CR of the end
      discarding_line_ = true;
      consume(in.size() - 1);
      line_scanned_ = 1;
    }
    CO_TRY_OK(co_await read_more(deadline));
  }
}

// 0 bytes: the socket is full.
Result<std::size_t> Connection::try_write(std::string_view bytes, bool& want_read) {
  want_read = false;
  if (!impl_->descriptor.is_open()) return fail(Errc::closed, "the connection is closed");
  if (ssl_) {
    auto* ssl = static_cast<SSL*>(ssl_);
    ERR_clear_error();
    if (impl_->sent < kTicketWith && ++impl_->sent == kTicketWith) SSL_new_session_ticket(ssl);
    const int n = SSL_write(ssl, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (n > 0) return static_cast<std::size_t>(n);
    switch (SSL_get_error(ssl, n)) {
      case SSL_ERROR_WANT_WRITE: return 0;
      case SSL_ERROR_WANT_READ: want_read = true; return 0;
      case SSL_ERROR_ZERO_RETURN:
      case SSL_ERROR_SYSCALL: return fail(Errc::closed, "the peer closed the connection");
      default: return fail(Errc::io, "TLS: protocol error while sending");
    }
  }
  const ssize_t n = ::send(impl_->descriptor.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  return std::unexpected(io_error("send", errno));
}

Task<Result<void>> Connection::flush(Deadline deadline) {
  Result<void> done;
  if (!deflate_) done = co_await send(out_, deadline);
  std::string packed;
  for (std::size_t at = 0; deflate_ && done && at < out_.size(); at += kCompressedAtOnce) {
    packed.clear();
    deflate_->compress(std::string_view(out_).substr(at, kCompressedAtOnce), packed);
    done = co_await send(packed, deadline);
  }
  out_.clear();
  if (out_.capacity() > kKeepCapacity) std::string().swap(out_);
  co_return done;
}

Task<Result<void>> Connection::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    bool want_read = false;
    CO_TRY(const auto wrote, try_write(bytes, want_read));
    bytes.remove_prefix(wrote);
    if (wrote == 0) CO_TRY_OK(co_await wait_ready(want_read ? Direction::read : Direction::write, deadline, false));
  }
  co_return Result<void>{};
}

Task<Result<void>> Connection::flush_if_large(Deadline deadline) {
  if (out_.size() < kLargeOutput) co_return Result<void>{};
  co_return co_await flush(deadline);
}

Result<void> Connection::attach_tls(const TlsContext& context) {
  if (!impl_->descriptor.is_open()) return fail(Errc::closed, "the connection is closed");
  // [RFC3207 4.2] What came before the handshake was not protected: forget it (INVARIANT 2).
  std::string().swap(in_);
  in_start_ = line_scanned_ = 0;
  discarding_line_ = false;
  CHECK(!ssl_);
  SSL* ssl = SSL_new(static_cast<SSL_CTX*>(context.native()));
  if (!ssl) return fail(Errc::io, "TLS: out of memory");
  ssl_ = ssl;
  SSL_set_fd(ssl, impl_->descriptor.native_handle());
  return {};
}

Task<Result<void>> Connection::handshake(Deadline deadline) {
  auto* ssl = static_cast<SSL*>(ssl_);
  for (;;) {
    ERR_clear_error();
    const int n = SSL_do_handshake(ssl);
    if (n == 1) co_return Result<void>{};
    const int why = SSL_get_error(ssl, n);
    Result<void> ready;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      ready = co_await wait_ready(why == SSL_ERROR_WANT_READ ? Direction::read : Direction::write, deadline, false);
    } else if (why == SSL_ERROR_SYSCALL) {
      ready = fail(Errc::closed, "the peer closed the connection during the TLS handshake");
    } else {
      ready = fail(Errc::syntax, "TLS handshake: " + handshake_error());
    }
    if (!ready) {
      // The stream is neither TLS nor plain any more.
      SSL_set_quiet_shutdown(ssl, 1);
      co_return ready;
    }
  }
}

Task<Result<void>> Connection::start_tls(const TlsContext& context, Deadline deadline) {
  CO_TRY_OK(attach_tls(context));
  SSL_set_accept_state(static_cast<SSL*>(ssl_));
  co_return co_await handshake(deadline);
}

Task<Result<void>> Connection::start_tls_client(const TlsContext& context, std::string server_name, Deadline deadline) {
  TlsPolicy any;
  any.server_name = std::move(server_name);
  co_return co_await start_tls_client(context, std::move(any), deadline);
}

Task<Result<void>> Connection::start_tls_client(const TlsContext& context, TlsPolicy policy, Deadline deadline) {
  CO_TRY_OK(attach_tls(context));
  auto* ssl = static_cast<SSL*>(ssl_);
  SSL_set_connect_state(ssl);
  TlsVerifier verifier(std::move(policy));
  Result<void> done;
  if (verifier.set_up(ssl)) done = co_await handshake(deadline);
  const bool accepted = done && verifier.accept(ssl);
  if (!done && !verifier.has_problem()) {
    const bool lost = done.error().code != Errc::syntax;
    verifier.fail(lost ? TlsProblem::connection : TlsProblem::handshake, done.error().text);
  }
  verdict_ = std::make_unique<TlsVerdict>(verifier.verdict());
  if (accepted) co_return done;
  SSL_set_quiet_shutdown(ssl, 1);
  const bool distrusted = verdict_->problem != TlsProblem::connection && verdict_->problem != TlsProblem::handshake;
  if (distrusted) co_return fail(Errc::denied, "TLS: " + verdict_->text);
  co_return done;
}

const TlsVerdict& Connection::tls_verdict() const {
  static const TlsVerdict none;
  return verdict_ ? *verdict_ : none;
}

std::string Connection::tls_version() const { return ssl_ ? SSL_get_version(static_cast<SSL*>(ssl_)) : ""; }
std::string Connection::tls_cipher() const { return ssl_ ? SSL_get_cipher_name(static_cast<SSL*>(ssl_)) : ""; }

// [RFC9266 4.2] [RFC7627 6.1] Before TLS 1.3 nothing is the channel's own without the extended master secret.
bool Connection::is_unique_channel() const {
  auto* ssl = static_cast<SSL*>(ssl_);
  return ssl && (SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1);
}

std::string Connection::tls_exporter() const {
  if (!is_unique_channel()) return {};
  auto* ssl = static_cast<SSL*>(ssl_);
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::string out(32, '\0');
  const bool done = SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(out.data()), out.size(), kLabel.data(), kLabel.size(),
                                               nullptr, 0, 1) == 1;
  return done ? out : std::string();
}

// The first Finished message: the client's, or the server's when a session is resumed.
std::string Connection::tls_unique() const {
  auto* ssl = static_cast<SSL*>(ssl_);
  if (!is_unique_channel() || SSL_version(ssl) >= TLS1_3_VERSION) return {};
  const bool first_is_ours = (SSL_is_server(ssl) == 1) == (SSL_session_reused(ssl) == 1);
  char finished[EVP_MAX_MD_SIZE];
  const auto size = first_is_ours ? SSL_get_finished(ssl, finished, sizeof finished) : SSL_get_peer_finished(ssl, finished, sizeof finished);
  return {finished, std::min(size, sizeof finished)};
}

// The certificate of the server, hashed by what its signature was hashed with; MD5 and SHA-1 are too weak for it.
std::string Connection::tls_server_end_point() const {
  auto* ssl = static_cast<SSL*>(ssl_);
  X509* certificate = !ssl ? nullptr : SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
  int hash = NID_undef;  // stays so for a signature without a hash of its own, such as Ed25519: then there is no such binding
  if (!certificate || X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) != 1) return {};
  if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
  const EVP_MD* md = EVP_get_digestbynid(hash);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!md || X509_digest(certificate, md, digest, &size) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

ConnectionPair make_connection_pair() {
  int fds[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  Peer peer;
  peer.loopback = true;
  return {std::make_unique<Connection>(fds[0], peer), std::make_unique<Connection>(fds[1], peer)};
}

}  // namespace posthorn::net
