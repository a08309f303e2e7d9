// One connection to an SMTP or LMTP server, as its client. [RFC5321] [RFC2033]
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "async/task.h"
#include "base/result.h"
#include "client/message_source.h"
#include "client/smtp_types.h"
#include "net/connect.h"
#include "net/connection.h"

namespace posthorn::client {

struct SmtpState;

// It knows neither queue nor DNS: addresses come from the caller.
//
// INVARIANT 1: `accepted` is said of a recipient only after a 2yz that belongs to the end of this message: a reply that nobody had asked
//              for ends the connection.
// INVARIANT 2: `unknown` is said only when the end of the message was handed to the network whole and no reply to it could be read.
// INVARIANT 3: the end of a message is sent only if the source gave all of it.
// INVARIANT 4: a password or token is sent without TLS only with Credentials::allow_plaintext, and never appears in a transcript.
// INVARIANT 5: nothing that was said before TLS counts behind it. [RFC3207 4.2]
//
// Memory: some 128 KiB for what is sent and ReplyLimits for what is received, and nothing of that while it idles.
// Threads: everything on the reactor's thread; one call at a time, except shut_down().
class SmtpConnection {
 public:
  explicit SmtpConnection(SmtpOptions);
  ~SmtpConnection();  // closes without QUIT
  SmtpConnection(const SmtpConnection&) = delete;
  SmtpConnection& operator=(const SmtpConnection&) = delete;

  // Connects, reads the greeting, says EHLO (HELO where that is not known; LHLO), starts TLS, signs in.  After a failure the connection is
  // closed, politely where that makes sense.  Once.
  Task<std::expected<void, Failure>> open(net::Address to, std::string source_address = {});
  // The same on a stream that is there already.
  Task<std::expected<void, Failure>> open(std::unique_ptr<net::Connection>);

  // One transaction.  Sends RSET first if the last one needs it.  REQUIRES: is_usable().
  Task<TransactionResult> send(MessageToSend);

  // Another send() may be tried: open, no 421 seen, MAILMAX [RFC9422] not reached.
  bool is_usable() const;
  // Has the server closed the connection, or said something, while it was idle?  Waits for nothing; after that it is not usable.
  bool is_alive();
  // NOOP. [RFC5321 4.1.1.9]
  Task<std::expected<void, Failure>> check();
  // QUIT and the end, whatever the server does about it.
  Task<> quit();
  // For the end of the process: what is under way fails with Cause::cancelled, and so does all that is begun later.  Only the wait for the
  // reply to a message that was sent whole goes on (SmtpTimeouts::final_dot), because without it the message would be `unknown`;
  // abandon() ends that too.
  void shut_down();
  void abandon();

  const smtp::Extensions& extensions() const;  // as of the last EHLO; nothing after HELO
  const TlsState& tls() const;
  const smtp::Reply& greeting() const;
  const std::string& signed_in_by() const;     // the mechanism; empty: not
  net::Peer peer() const;
  std::uint64_t transactions() const;          // how many were begun

 private:
  std::unique_ptr<SmtpState> state_;
};

}  // namespace posthorn::client
