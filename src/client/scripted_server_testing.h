// The other end of a connection in tests: it says what its script says, and complains about a client that says something else.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "net/connection.h"
#include "net/tls.h"

namespace posthorn::client {

// A script is lines:
//   S: text      says it, with CRLF
//   s: text      says it without an end; \r \n \0 \\ and \xHH mean what they do in C
//   C: text      the client says exactly this; "C: EHLO *": anything behind "EHLO "
//   B: number    the client sends so many bytes, which are not looked at
//   TLS          the handshake, from here on protected
//   CLOSE        closes
//   WAIT         for 20 ms
//   DEAF         reads nothing any more, until client_left()
//   HANG         waits until the client has left, and ignores what it says
// An empty line, and what begins with "#", is nothing.  At the end of the script the client must have left, or be silent until it leaves.
struct Script {
  std::string text;
  std::shared_ptr<const net::TlsContext> tls;
  bool byte_by_byte = false;  // whatever it says comes in pieces of one byte
};

class ScriptedServer {
 public:
  ScriptedServer(std::unique_ptr<net::Connection> connection, Script script)
      : connection_(std::move(connection)), script_(std::move(script)) {}

  // To the end of the script.
  Task<> run();
  void client_left() { client_left_ = true; }
  // What the client did otherwise than the script says, one a line; empty: nothing.
  const std::string& complaints() const { return complaints_; }

 private:
  Task<bool> step(std::string line);
  Task<bool> say(std::string bytes);
  Task<bool> hear(std::string expected);
  Task<bool> take(std::size_t bytes);
  Task<> wait_for_the_end(bool ignore);
  void complain(std::string what);

  std::unique_ptr<net::Connection> connection_;
  Script script_;
  std::string complaints_;
  bool client_left_ = false;
};

}  // namespace posthorn::client
