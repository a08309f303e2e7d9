// What every session of every protocol is given.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "async/reactor.h"
#include "async/task.h"
#include "auth/authenticator.h"
#include "auth/directory.h"
#include "auth/mechanisms.h"
#include "base/clock.h"
#include "config/config.h"
#include "net/connection.h"
#include "net/tls.h"
#include "store/mail_store.h"

namespace posthorn::queue {
class Queue;
}
namespace posthorn::delivery {
class Trace;
}

namespace posthorn::server {

struct SessionContext;

// The objects of the running server.  They outlive every session.
struct Services {
  std::string hostname;
  store::MailStore& store;
  auth::Directory& directory;
  auth::Authenticator& authenticator;
  // The current TLS context (replaced on reload); null: no TLS anywhere.  Any thread.
  std::function<std::shared_ptr<const net::TlsContext>()> tls;
  // Told when a session opens a mailbox: the search index may lack some of it.  Empty: nobody indexes.  Any thread; cheap.
  std::function<void(AccountId, MailboxId)> mailbox_opened = {};
  // Mail for elsewhere; null: there is none, and such mail is refused.
  queue::Queue* queue = nullptr;
  // Where it is kept what happened to a message; null: nowhere.
  delivery::Trace* trace = nullptr;
  // Whose mail an address of ours stands for that was made for mail forwarded from here (SRS); nothing: it is no such address.  Any thread; cheap.
  std::function<std::optional<std::string>(std::string_view local_part, std::string_view domain)> forwarded_sender = {};
  // Goes on with a connection to an IMAP port whose client wants SMAP; its line is still in the input.  Empty: there is no SMAP.
  std::function<Task<>(SessionContext)> run_smap_session = {};
};

// The rules of the listener a session came by.
struct ListenerRules {
  config::Protocol protocol = config::Protocol::imap;
  config::TlsMode tls = config::TlsMode::none;
  bool allow_plaintext_auth = false;
};

// One accepted connection and what it may use.  The session lives on one reactor, as one coroutine.
struct SessionContext {
  Services& services;
  ListenerRules rules;
  net::Connection& connection;
  std::string session_id;  // for the log
  // Counts the connection for another client address than it came from; false: that one has too many already, and the connection must
  // end.  Empty: nobody counts.
  std::function<bool(const net::Peer&)> admit = {};
  // Who the client is, where it need not say so: the other end of the control socket.  IMAP only.
  std::optional<auth::Identity> known_client = {};
  SteadyTime began = steady_now();

  // Signing in is possible now.
  bool may_authenticate() const { return connection.is_tls() || rules.allow_plaintext_auth; }
  // And with the password itself, by IMAP's LOGIN and POP3's USER.
  bool takes_passwords() const { return may_authenticate() && auth::passwords_are_taken(); }
};

// Wakes a session that waits for input, from any thread: the change hub's callback holds a copy.
// (It posts connection.interrupt() to the session's reactor, unless the session has ended.)
class Waker {
 public:
  Waker(Reactor& reactor, net::Connection& connection);
  ~Waker();  // on the session's reactor: from here on wake() does nothing
  Waker(const Waker&) = delete;
  // Something to keep and call from anywhere; wakes arriving before the session has woken are merged.
  std::function<void()> callback();

 private:
  struct Target;
  std::shared_ptr<Target> target_;
};

}  // namespace posthorn::server
