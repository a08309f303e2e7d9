// The few commands that the doctor says, in each of the protocols.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/timer.h"
#include "base/result.h"
#include "check/probe.h"
#include "net/connection.h"
#include "net/listener.h"

namespace posthorn::check {

// A connection with a clock.  Lines are at most kLine octets, and what a server says to one command at most kLines of them.
struct Talk {
  net::Connection& connection;
  std::chrono::milliseconds timeout;
  Deadline end;  // of all of it
  static constexpr std::size_t kLine = 8192, kLines = 300;

  Deadline deadline() const { return std::min(after(timeout), end); }
  Task<Result<std::string>> line();
  Task<Result<void>> say(std::string_view command);  // REQUIRES: outlives it; CRLF is put behind
};

// What we call ourselves in EHLO: our address as a literal [RFC5321 4.1.4]; we are no server.
std::string our_name(const net::Address& server);

// Without control characters, and no longer than `limit`.
std::string tamed(std::string_view text, std::size_t limit = 256);

// Errors: syntax: that is no such protocol; too_large, limit: endless; closed, timed_out, io.
class Dialect {
 public:
  virtual ~Dialect() = default;
  // Errc::denied: a refusal, in the server's words.
  virtual Task<Result<std::string>> greeting(Talk) = 0;
  virtual Task<Result<Offer>> offer(Talk) = 0;
  // Errc::denied: refused, in the server's words.
  virtual Task<Result<void>> start_tls(Talk) = 0;
  // SMTP alone: does it take mail for `to` from a stranger?  Nothing is sent.  The answer to RCPT; Errc::denied: the refusal.
  virtual Task<Result<std::string>> offer_relay(Talk, std::string to);
  virtual Task<> leave(Talk) = 0;
};
std::unique_ptr<Dialect> make_dialect(Service);
std::unique_ptr<Dialect> make_smtp_dialect();
std::unique_ptr<Dialect> make_imap_dialect();
std::unique_ptr<Dialect> make_pop3_dialect();

}  // namespace posthorn::check
