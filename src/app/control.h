// The control socket: administration commands to a running server.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "app/admin.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "base/result.h"
#include "config/config.h"
#include "net/listener.h"
#include "server/common/session_context.h"

namespace posthorn::app {

// A Unix socket (0600) that answers Admin requests, line by line.  The line "IMAP ADDRESS" makes the rest of the connection an IMAP session of
// that account, signed in already.
class ControlServer {
 public:
  static Result<std::unique_ptr<ControlServer>> open(Reactor& reactor, const std::string& path, Admin& admin, server::Services& services);
  // REQUIRES: close() has been called, or the reactor is stopped.
  ~ControlServer() = default;
  // Stops listening and ends the conversations, after the request under way.  Blocking; not on the reactor.
  void close();

 private:
  ControlServer(Reactor& reactor, Admin& admin, server::Services& services) : reactor_(reactor), admin_(admin), services_(services) {}
  static Task<> serve(ControlServer& server, int fd, net::Peer peer);
  Task<> answer_all(net::Connection&);

  Reactor& reactor_;
  Admin& admin_;
  server::Services& services_;
  std::unique_ptr<net::Listener> listener_;
  TaskGroup conversations_;
  std::unordered_map<net::Connection*, int> live_;  // on the reactor's thread
  bool closing_ = false;                            // on the reactor's thread
};

// A socket connected to one that listens there; -1: nobody does.  Blocking.
Result<int> connect_control(const std::string& path);

// The other end: where a command's requests are answered.
class AdminLink {
 public:
  virtual ~AdminLink() = default;
  // One request, one answer (JSON).  Blocking.  Errors: io, closed.
  virtual Result<std::string> ask(const std::string& request) = 0;
  virtual bool server_runs() const = 0;

  // The control socket when a server answers there; otherwise the store itself, opened here.  root then acts as the owner of the data directory until the
  // link goes, and reads no files of his own meanwhile.
  static Result<std::unique_ptr<AdminLink>> open(const config::Config& config);
};

}  // namespace posthorn::app
