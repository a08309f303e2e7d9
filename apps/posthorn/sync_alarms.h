// What wakes posthorn sync --watch: files that change, and signals.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "async/reactor.h"
#include "base/file_descriptor.h"
#include "client/imap_connection.h"
#include "sync/tree_watch.h"

namespace posthorn {

// A thread waits for them, and tells the reactor.
class Alarms : public std::enable_shared_from_this<Alarms> {
 public:
  // REQUIRES: the signals are blocked in all threads (block_ending_signals()); the watch lives longer.
  Alarms(sync::TreeWatch&, Reactor&);
  ~Alarms();
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  void start();
  // On the reactor's thread.
  bool stopped() const { return stopped_; }
  void attend(client::ImapConnection* connection) { connection_ = connection; }
  // Files have changed since the last time.
  bool take_changed() { return std::exchange(changed_, false); }
  bool changed() const { return changed_; }

 private:
  void work();
  void post(void (Alarms::*act)());
  void stop();
  void hear();

  sync::TreeWatch& watch_;
  Reactor& reactor_;
  FileDescriptor signals_, end_;
  std::thread thread_;
  bool stopped_ = false, changed_ = false;
  client::ImapConnection* connection_ = nullptr;
};

}  // namespace posthorn
