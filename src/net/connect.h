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

// Makes connections, one at a time.  Threads: everything on the reactor's thread.
class Connector {
 public:
  Connector();
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // `to` has a numeric address (no zone) and a port, or is a Unix socket; `source` is a numeric address of ours of the same family, or
  // empty: the system chooses.  Errors: invalid: one of them is no such address; timed_out; cancelled; io: refused, unreachable, no such
  // source address ..., each in words with the address.
  Task<Result<std::unique_ptr<Connection>>> connect(Address to, std::string source, Deadline);

  // The attempt under way ends with `cancelled`, and so does every later one.
  void cancel();

 private:
  struct Attempt;
  Task<Result<void>> wait(Attempt&, Deadline);

  Attempt* under_way_ = nullptr;  // lives in connect()'s frame
  bool cancelled_ = false;
};

}  // namespace posthorn::net
