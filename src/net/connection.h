// One accepted (or made) byte stream, plain or TLS, on one reactor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/timer.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/deflate.h"
#include "net/tls.h"
#include "net/tls_policy.h"

namespace posthorn::net {

struct PeerCertificate;

// Where the other end is.  For a Unix socket `ip` is empty and `text` says "unix".
struct Peer {
  std::string ip;    // numeric; IPv4-mapped IPv6 is shown as IPv4
  std::uint16_t port = 0;
  bool loopback = false;  // 127/8, ::1 or a Unix socket
  std::string text() const;
  friend bool operator==(const Peer&, const Peer&) = default;
};
Peer peer_at(const IpAddress&, std::uint16_t port);

enum class LineEnd {
  crlf,      // only CRLF ends a line; a bare LF or CR inside is part of it (the caller refuses it)
  any_lf,    // LF ends a line, a CR before it is dropped
};
enum class Wake { input, interrupted };

// Threads: everything on the reactor's thread; one coroutine uses it at a time.
// Errors of waits: closed (the peer is gone), timed_out, cancelled (shut_down was called), io, too_large (line limit).
//
// INVARIANT 1: an idle connection owns no input or output buffer (and when it is compressed, of that what deflate.h says).
// INVARIANT 2: after start_tls no byte received before it is ever returned.
class Connection {
 public:
  // Takes over a connected socket (non-blocking is set here, TCP_NODELAY too).  REQUIRES: on the reactor's thread.
  Connection(int fd, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Peer& peer() const { return peer_; }
  // Somebody who may has said who the other end really is: a proxy, or a client by XCLIENT.
  void set_peer(Peer peer) { peer_ = std::move(peer); }

  // --- input.  input() is what has arrived and was not consumed; valid until the next read on this connection.
  std::string_view input() const { return std::string_view(in_).substr(in_start_); }
  void consume(std::size_t n);
  // Waits for at least one more byte and appends what is there (at most 64 KiB) to input().
  Task<Result<void>> read_more(Deadline);
  // The same without waiting: true, something was there.  The end of the stream is an error here too.
  Result<bool> read_available();
  // The same, but returns early when interrupt() was called since the last such return.
  Task<Result<Wake>> read_more_or_interrupt(Deadline);
  // One line without its end, already consumed; valid until the next wait.  A line longer than `limit` is discarded to its end
  // and answered with too_large: the connection can go on.
  Task<Result<std::string_view>> read_line(std::size_t limit, LineEnd, Deadline);

  // Takes `n` more bytes from the socket, and not one behind them: they may be for another reader, such as TLS.  Appends them to input().
  // REQUIRES: neither TLS nor compression; nothing but this has read so far.
  Task<Result<void>> read_exactly(std::size_t n, Deadline);

  // Acknowledges what has arrived at once.  For the middle of a command whose sender may hold its next bytes back until then (Nagle
  // there, a delayed acknowledgement of 40 ms here).
  void acknowledge_now();

  // --- output.  Bytes put are sent by flush(); put never waits.
  void put(std::string_view bytes) { out_.append(bytes); }
  std::string& output() { return out_; }
  // Sends everything put so far.
  Task<Result<void>> flush(Deadline);
  static constexpr std::size_t kLargeOutput = 64 * 1024;
  // Flushes when at least kLargeOutput bytes are waiting: call it between the pieces of a long answer.
  Task<Result<void>> flush_if_large(Deadline);

  // --- compression [RFC4978]
  bool is_compressed() const { return deflate_ != nullptr; }
  // From here on, both ways; TLS encrypts what is compressed.  What has arrived already is taken for compressed: the peer was to wait.
  // REQUIRES: nothing is waiting in output().
  void start_compression();

  // --- TLS
  bool is_tls() const { return ssl_ != nullptr; }
  // Server side of the handshake.  Buffered plaintext input is thrown away first [RFC3207 4.2].
  Task<Result<void>> start_tls(const TlsContext&, Deadline);
  // Client side.  What has arrived and was not consumed is thrown away too: who has not asked for it looks at input() before.  Errors:
  // denied: the certificate does not satisfy the policy; syntax: no handshake; closed, timed_out, cancelled, io.  After any of them the
  // stream is of no use, and nothing was sent on it.
  Task<Result<void>> start_tls_client(const TlsContext&, TlsPolicy, Deadline);
  // Any certificate.
  Task<Result<void>> start_tls_client(const TlsContext&, std::string server_name, Deadline);
  // What start_tls_client() found, also when it failed.
  const TlsVerdict& tls_verdict() const;
  // What the other end has shown, believed or not; nullopt: nothing, or there is no TLS.  Include net/peer_certificate.h.
  std::optional<PeerCertificate> peer_certificate() const;
  std::string tls_version() const;   // "TLSv1.3", empty when plain
  std::string tls_cipher() const;
  // What this channel can be bound by, for SASL; empty: it cannot, and always so without TLS.
  std::string tls_exporter() const;          // [RFC9266 2]
  std::string tls_unique() const;            // [RFC5929 3.1] TLS 1.2 only
  std::string tls_server_end_point() const;  // [RFC5929 4.1]

  // --- ending
  // Wakes a read_more_or_interrupt() (now, or the next one).  On the reactor's thread only.
  void interrupt();
  // Every wait for input from now on fails with `cancelled`, and one under way is woken; output may still go out.  Used by
  // shutdown.
  void shut_down();
  // The same for output too: for who no longer cares what became of it.
  void abort();
  bool is_shut_down() const { return shut_down_; }
  void close();
  // The same, and what has not gone out yet never does.
  void close_at_once();
  // From here on it is so too when the process ends without having closed it: of an upload that was killed nothing may follow.
  void end_with_process();

 private:
  struct Impl;
  void discard_unsent(bool on);  // at the end of the socket
  enum class Direction { read, write };
  Task<Result<void>> wait_ready(Direction, Deadline, bool interruptible);
  Result<void> attach_tls(const TlsContext&);
  Task<Result<void>> handshake(Deadline);
  Result<std::size_t> try_read(bool& want_write);
  Result<std::size_t> receive(std::span<char> into, bool& want_write);
  Result<std::size_t> decompress(bool& want_write);
  void append_input(std::string_view bytes);
  Task<Result<void>> send(std::string_view bytes, Deadline);
  Result<std::size_t> try_write(std::string_view, bool& want_read);
  void release_idle_buffers();
  bool is_unique_channel() const;

  Peer peer_;
  std::unique_ptr<Impl> impl_;
  void* ssl_ = nullptr;  // SSL*
  std::unique_ptr<TlsVerdict> verdict_;  // of a client
  std::string in_;
  std::size_t in_start_ = 0;
  std::string out_;
  std::unique_ptr<Deflate> deflate_;
  std::string packed_in_;  // received, and not decompressed yet
  std::size_t line_scanned_ = 0;
  bool discarding_line_ = false;
  bool interrupted_ = false;
  bool waiting_interruptible_ = false;
  bool shut_down_ = false;
  bool aborted_ = false;
  bool ends_with_process_ = false;
};

// Two connected Connections without a network: transcripts and unit tests.
struct ConnectionPair {
  std::unique_ptr<Connection> first, second;
};
ConnectionPair make_connection_pair();

}  // namespace posthorn::net
