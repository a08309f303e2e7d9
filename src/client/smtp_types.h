// What a caller tells an SMTP or LMTP client, and what it gets back.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/sasl_client.h"
#include "client/transcript.h"
#include "net/tls.h"
#include "net/tls_policy.h"
#include "proto/smtp/command.h"
#include "proto/smtp/ehlo.h"
#include "proto/smtp/reply_parser.h"

namespace posthorn::client {

class MessageSource;

enum class Protocol : std::uint8_t { smtp, lmtp };
enum class TlsMode : std::uint8_t {
  none,           // clear text
  opportunistic,  // STARTTLS where it is offered; clear text where it is not, or the server refuses the command
  required,       // STARTTLS, or the attempt ends
  implicit,       // TLS from the first byte, or the attempt ends
};
enum class Chunking : std::uint8_t { when_needed, when_offered };  // BDAT for BINARYMIME only, or for all

// How long each wait may last; the peer cannot stretch one by sending a little now and then. [RFC5321 4.5.3.2]
struct SmtpTimeouts {
  using Patience = std::chrono::milliseconds;
  Patience connect = std::chrono::seconds(30);
  Patience tls = std::chrono::seconds(60);          // a handshake
  Patience greeting = std::chrono::minutes(5);
  Patience command = std::chrono::minutes(5);       // EHLO, STARTTLS, AUTH, MAIL, RCPT
  Patience data = std::chrono::minutes(2);          // DATA to 354
  Patience block = std::chrono::minutes(3);         // the server to take 64 KiB of the message
  Patience final_dot = std::chrono::minutes(10);    // the end of the message, or of a chunk, to its reply; with LMTP to each
  Patience reset = std::chrono::seconds(20);        // RSET, NOOP
  Patience quit = std::chrono::seconds(5);
  Patience opening = std::chrono::minutes(15);      // all of open()
  Patience transaction = std::chrono::hours(2);     // all of send(), but for the replies to the end of the message
};

struct SmtpOptions {
  Protocol protocol = Protocol::smtp;
  std::string hello;  // our name: a domain or an address literal
  TlsMode tls = TlsMode::opportunistic;
  std::shared_ptr<const net::TlsContext> tls_context;  // REQUIRES: one, unless tls is none
  net::TlsPolicy tls_policy;
  std::optional<Credentials> credentials;
  std::string host;  // the server's name, for OAUTHBEARER only
  Chunking chunking = Chunking::when_offered;
  bool pipelining = true;  // where it is offered
  SmtpTimeouts timeouts;
  smtp::ReplyLimits reply_limits;
  Transcript transcript;
};

// Where something ended.
enum class Stage : std::uint8_t {
  connect, tls, greeting, hello, start_tls, auth,        // open()
  mail, rcpt, data, body, final_dot,                     // send(); body: before all of the message was sent, final_dot: behind it
  reset, noop, quit,
};
std::string_view to_string(Stage);  // as in a log: "RCPT", "end of data"

enum class Cause : std::uint8_t {
  refused,        // by the reply, a 4yz or 5yz; 421: and the server closes the connection
  unreachable,    // no connection
  closed,         // the server dropped the connection, or it broke
  timed_out,
  bad_reply,      // what the server said is no SMTP, too long, or came when nobody had asked
  cancelled,      // shut_down()
  tls_not_offered,
  tls_injection,  // the server, or somebody between, sent more behind the reply to STARTTLS [RFC3207 5]
  tls_failed,     // verdict tells why
  no_mechanism,   // no way to sign in that both sides know and the channel allows
  server_unproven,  // the server let us in without proving that it knows the password
  // The server does not offer what the message needs; nothing of it was sent, and the connection can be used for others.
  too_large,      // SIZE
  no_8bitmime, no_binarymime, no_smtputf8, no_requiretls, no_deliverby, no_futurerelease,
  bad_command,    // a value that no command can carry
  source,         // MessageSource failed
};
std::string_view to_string(Cause);

struct Failure {
  Stage stage = Stage::connect;
  Cause cause = Cause::closed;
  std::optional<smtp::Reply> reply;  // with `refused`
  net::TlsVerdict tls;               // with tls_failed
  std::string text;                  // one line for people, complete by itself; no control characters
  // A 5yz, or what the server cannot do and the message needs: another attempt at this server would end the same way.
  bool is_permanent() const;
};

struct MessageToSend {
  // size: of the message, if it is known.  body: as the content is; 7BIT is believed.  What only concerns notices, priority or AUTH= is
  // left out where it is not offered; that without which the message must not go (SMTPUTF8, REQUIRETLS, BY with R, HOLDFOR and HOLDUNTIL)
  // fails.
  smtp::Mail mail;
  std::vector<smtp::Rcpt> recipients;  // REQUIRES: at least one
  // Lines end with CRLF; what does not is made so, except in a message of BINARYMIME.
  MessageSource* source = nullptr;
};

enum class RecipientState : std::uint8_t {
  accepted,   // the server has taken responsibility: 2yz behind the message
  refused,    // `reply` says why: 4yz for now, 5yz for good; `stage` says to what
  not_tried,  // nothing was accepted: the transaction did not come so far, TransactionResult::failure says why
  postponed,  // too many recipients for one transaction: try the rest at once in another [RFC5321 4.5.3.1.10] [RFC9422]
  unknown,    // all was sent and no answer came: it may be accepted or not, and a new attempt may double it [RFC5321 4.5.3.2.6]
};
std::string_view to_string(RecipientState);

inline smtp::Reply no_reply() {
  smtp::Reply none;
  none.code = 0;
  return none;
}

struct RecipientResult {
  RecipientState state = RecipientState::not_tried;
  Stage stage = Stage::mail;
  smtp::Reply reply = no_reply();  // with accepted and refused, and with postponed if the server said it; else its code is 0
  bool by_us = false;  // the reply is ours: no RCPT can say this address
};

struct TransactionResult {
  std::vector<RecipientResult> recipients;  // as many as were asked for, in their order
  std::optional<Failure> failure;           // what ended the transaction early, or the connection
  bool dsn_passed_on = false;               // the server takes part in DSN: further notices are its duty [RFC3461 5.2]
  bool deliver_by_passed_on = false;        // it offers DELIVERBY [RFC2852]
};

// How the channel is protected.
struct TlsState {
  bool is_on() const { return !version.empty(); }
  std::string version, cipher;  // empty: clear text
  net::TlsVerdict verdict;
  std::optional<smtp::Reply> refusal;  // the server offered STARTTLS and refused it; we went on in clear text
};

}  // namespace posthorn::client
