// Where a message is handed in: the first port of a server that can be reached and speaks the protocol. [RFC8314 3.3] [RFC6409 3.1]
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/dial.h"
#include "client/smtp_connection.h"
#include "client/url.h"

namespace posthorn::client {

// A port, and what protects what is said there.
struct Door {
  std::uint16_t port = 0;  // 0: a Unix socket
  TlsMode tls = TlsMode::required;
  friend bool operator==(const Door&, const Door&) = default;
};
// "465 (TLS)", "587 (STARTTLS)", "25 (STARTTLS if offered)", "24 (clear text)".
std::string to_string(const Door&);

struct DoorWishes {
  bool port_is_known = true;     // false: only the host was named, and its scheme means nothing
  bool fallback = true;          // try the others if the one that was named cannot be reached
  bool allow_plaintext = false;  // clear text, where TLS is not offered, is asked for by name
  bool protect = false;          // somebody signs in, or the message asks for it: never clear text without allow_plaintext
};
// In the order in which they are tried: the one that was named, then 465 with TLS from the first byte, 587 and 2525 with STARTTLS (with
// allow_plaintext: if it is offered), 25 with STARTTLS if it is offered.  25 wants STARTTLS too if `protect`, or if the URL asks for TLS:
// whoever can block ports must not choose clear text.  LMTP: the one door alone, in clear text on a socket.
// REQUIRES: smtp, submission, submissions or lmtp.
std::vector<Door> doors_of(const MailUrl&, const DoorWishes&);

// This door leads nowhere, another may: no connection, TLS not spoken or not offered, something else than SMTP.  Nothing of the message,
// and no password, was sent.  False for all that a server says in words, for a certificate that is not the right one, and for any doubt.
bool leads_nowhere(const Failure&);

struct DoorTried {
  Door door;
  Failure failure;
};

struct SubmissionServer {
  MailUrl url;
  std::vector<Door> doors;         // REQUIRES: at least one
  std::map<std::uint16_t, std::uint16_t> mapped = {};  // where ports really are, for tests
  std::function<void(const Door&)> trying = {};        // called before each
};

struct OpenSubmission {
  std::unique_ptr<SmtpConnection> connection;  // null: none opened; the last of `tried` says why
  Door door;
  std::vector<DoorTried> tried;    // those before it
};

// `options` as for SmtpConnection, of which tls, tls_context, tls_policy, host and protocol are set here.  An error: the host is not
// known (not_found), or cannot be asked for (timed_out, io).  With credentials nothing else is tried once they were refused.
Task<Result<OpenSubmission>> open_submission(const SubmissionServer&, const SmtpOptions& options, const TlsForHosts&, WorkerPool&);

}  // namespace posthorn::client
