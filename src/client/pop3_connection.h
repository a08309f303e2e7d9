// One connection to a POP3 server, as its client. [RFC1939] [RFC2449] [RFC2595] [RFC5034]
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "client/sasl_client.h"
#include "client/smtp_types.h"
#include "client/transcript.h"
#include "net/connection.h"
#include "proto/pop3/reply_parser.h"

namespace posthorn::client {

struct Pop3Timeouts {
  using Patience = std::chrono::milliseconds;
  Patience tls = std::chrono::seconds(60);  // a handshake
  Patience greeting = std::chrono::minutes(2);
  Patience command =
      std::chrono::minutes(5);  // to the first line of the answer; large maildrops make servers slow
  Patience block = std::chrono::minutes(3);    // each 64 KiB of a listing or a message
  Patience update = std::chrono::minutes(10);  // QUIT, which removes
};

struct Pop3Options {
  TlsMode tls = TlsMode::required;
  std::shared_ptr<const net::TlsContext> tls_context;  // REQUIRES: one, unless tls is none
  net::TlsPolicy tls_policy;
  std::optional<Credentials> credentials;  // none: open() ends with the greeting, TLS and CAPA
  std::string host;                        // the server's name, for OAUTHBEARER only
  bool apop = false;  // where nothing else can be used without showing the password: APOP's MD5 is better
                      // than nothing, hardly
  bool pipelining = true;   // where it is offered [RFC2449 6.6]
  // UIDL is sent as soon as we are let in, where PIPELINING was offered before: REQUIRES that the call behind
  // open() is unique_ids().
  bool ids_at_once = false;
  std::size_t window = 64;  // commands without an answer, with pipelining
  Pop3Timeouts timeouts;
  pop3::ReplyLimits limits;
  Transcript transcript;
};

// Where messages go as they come.  After an error the connection is closed: nothing else can stop a server
// that sends.
class Pop3Sink {
 public:
  virtual ~Pop3Sink() = default;
  virtual Result<void> begin(std::uint32_t number) = 0;
  // Its bytes, with the line ends that the server sent, dots taken out.  Valid during the call.
  virtual Result<void> put(std::string_view piece) = 0;
  // It has come whole: an answer to the next command follows it.  What is read next may wait here.
  virtual Task<Result<void>> end(std::uint32_t number) = 0;
  // -ERR: there is no such message any more, or the server cannot.
  virtual Result<void> refused(std::uint32_t number, const pop3::Reply& reply) = 0;
};

struct Pop3State;

// Errors of all calls: denied: sign-in refused, or a certificate that does not satisfy the policy; busy:
// [IN-USE], [SYS/TEMP]; throttled: [LOGIN-DELAY]; invalid: another -ERR; syntax: what the server says is no
// POP3; limit: a listing, line or message past a limit; unsupported: the server does not offer what is
// needed; closed, timed_out, cancelled, io.  Texts are complete sentences for people that quote the server's
// words, without control characters.  After denied (of open), syntax, limit, closed, timed_out, cancelled, io
// the connection is closed: is_usable().
//
// INVARIANT 1: nothing that was said before TLS counts behind it, and what is sent behind the reply to STLS
// ends the attempt. INVARIANT 2: a password or token is sent without TLS only with
// Credentials::allow_plaintext, and never appears in a transcript. INVARIANT 3: no message is ever whole in
// memory. INVARIANT 4: a message is removed only by QUIT: when the connection is lost before it, the server
// keeps all [RFC1939 6]. Threads: everything on the reactor's thread; one call at a time, except shut_down().
class Pop3Connection {
 public:
  explicit Pop3Connection(Pop3Options);
  ~Pop3Connection();  // closes without QUIT
  Pop3Connection(const Pop3Connection&) = delete;
  Pop3Connection& operator=(const Pop3Connection&) = delete;

  // TLS, greeting, CAPA, sign-in, CAPA again.  Once.
  Task<Result<void>> open(std::unique_ptr<net::Connection>);
  bool is_usable() const;

  // As of the end of open().  `uidl` and `top` are not offered by all that have them.
  const pop3::Capabilities& capabilities() const;
  const std::string& signed_in_by() const;  // the mechanism, "USER" or "APOP"; empty: not
  bool is_tls() const;

  struct Maildrop {
    std::uint64_t messages = 0, octets = 0;
  };
  Task<Result<Maildrop>> stat();
  // In the server's order.  syntax: a number stands there twice.
  Task<Result<std::vector<pop3::Listing>>> list();
  // nullopt: the server does not know UIDL (one that offers it does: its -ERR is an error).  Two messages may have one id, which no server should do.
  Task<Result<std::optional<std::vector<pop3::UniqueId>>>> unique_ids();

  // RETR of each, in this order, several at once where the server allows.
  Task<Result<void>> retrieve(std::span<const std::uint32_t> numbers, Pop3Sink&);
  // TOP: the header, the empty line and so many lines.  unsupported: the server does not know it (it does not
  // offer it, and refuses the first).
  Task<Result<void>> top(std::span<const std::uint32_t> numbers, std::uint32_t lines, Pop3Sink&);
  // DELE of each; the numbers that were refused.  Nothing is removed before quit().
  Task<Result<std::vector<std::uint32_t>>> remove(std::span<const std::uint32_t> numbers);
  // What was marked is removed, says the server.  invalid: not all of it, and nobody knows which [RFC1939 6];
  // other errors: it is not known whether it was.
  Task<Result<void>> quit();
  // The end where nothing was marked: QUIT is said, and its answer not waited for.
  Task<> leave();
  // What is under way fails with `cancelled`, and so does all that is begun later.
  void shut_down();

 private:
  std::unique_ptr<Pop3State> state_;
};

}  // namespace posthorn::client
