// IMAP sessions with accounts of the local store, signed in already: how commands reach mail here as they reach it elsewhere.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace posthorn::app {

// Through the server that runs, or, where none does, through a process of our own program that opens the store for as long as this lives
// ("hold-store"): as the user to whom it belongs, while this one goes on reading the files of who called it.
// Threads: any, for connect().
class LocalStore {
 public:
  // `config_file`: from which `config` came, for the process.  Blocking, at most some minutes.  busy: another process has the store and does
  // not answer.
  static Result<std::unique_ptr<LocalStore>> open(const config::Config& config, const std::string& config_file);
  ~LocalStore();  // waits for the process
  LocalStore(const LocalStore&) = delete;

  // A socket whose other end greets with PREAUTH (docs/formats/control.md).  What has had the store until now may have ended: then as open()
  // does.  not_found: there is no such account; timed_out: no answer.  Blocking.
  Result<int> connect(const std::string& address);

 private:
  LocalStore(const config::Config&, std::string config_file);
  Result<int> connect_or_start();
  Result<void> start_holder();
  void end_holder();

  std::string path_;    // of the control socket
  std::string config_file_;
  bool in_memory_;      // there is nothing but what a running server has
  std::mutex starting_;
  pid_t holder_ = -1;
  int keep_open_ = -1;  // the holder ends when this closes
};

// The process: answers on the control socket, as a server does, but listens on no port and sends nothing; says "ready" on standard output, and
// ends with standard input.  root becomes the owner of the data directory for good.
Result<void> hold_store(const config::Config&);

}  // namespace posthorn::app
