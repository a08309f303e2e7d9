// Connecting to an address.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "async/timer.h"
#include "base/result.h"
#include "net/connection.h"
#include "net/listener.h"

namespace posthorn::net {

// One attempt at a time.  Threads: everything on the reactor's thread.
class Connector {
 public:
  Connector();
  ~Connector();

  // `to` is a numeric IPv4 or IPv6 address ("fe80::1%eth0" too) with a port, or a Unix socket; `source` a numeric address of ours of the
  // same family, or empty.  invalid: one of them is no such address; timed_out; cancelled; io: refused, unreachable, no such source
  // address ..., in words.
  Task<Result<std::unique_ptr<Connection>>> connect(Address to, std::string source, Deadline);

  // The attempt under way ends with `cancelled`, and so does every later one.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::net
