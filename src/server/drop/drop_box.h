// Takes in the mail that programs of this machine have left.
#pragma once

#include <atomic>
#include <string>

#include "async/reactor.h"
#include "async/task_group.h"
#include "async/worker_pool.h"
#include "auth/directory.h"
#include "delivery/trace.h"
#include "kv/store.h"
#include "queue/queue.h"
#include "server/drop/drop_directory.h"
#include "server/drop/drop_file.h"
#include "server/drop/sender_policy.h"
#include "store/mail_store.h"

namespace posthorn::drop {

// All of it outlives the box.
struct DropParts {
  kv::Store& kv;
  store::MailStore& store;
  queue::Queue& queue;
  auth::Directory& directory;
  delivery::Trace* trace = nullptr;
  std::string hostname;
};

// INVARIANT 1: a file is taken in at most once.  The commit that queues its message also writes a row with its name; a file that has a row
// is only
//              removed, and the row goes when the removal is on stable storage.  A crash anywhere leaves the file, or the row, or both.
// INVARIANT 2: a file goes when its message is queued; or it cannot be a message, then it is put aside.  For trouble of our own it stays.
//              A message that cannot be sent (it has a head, so that the command may have accepted it) is answered by a report, once.
// INVARIANT 3: nothing in the directory is trusted but who owns a file.
//
// Everything goes through the queue, local recipients too: what cannot be delivered comes back to the sender as a report.
// Threads: one thread starts and stops it, and that is no reactor; the rest is on one reactor.
class DropBox {
 public:
  DropBox(DropParts parts, DropDirectory directory) : parts_(std::move(parts)), directory_(std::move(directory)) {}
  void start(Reactor&);
  // After the file under way.  Blocking.
  void stop();

  // What start() does again and again; for tests.  Answers how many files were taken in.
  Task<Result<std::size_t>> look();
  // Once, first: what a crash has left.
  Task<Result<void>> recover();

 private:
  enum class Fate : unsigned char { taken, bad, gone, stuck, later };
  static Task<> run(DropBox& self);
  Task<bool> wait_for_change(std::int64_t seen);
  // A message on its way, as far as it is known.
  struct Incoming {
    std::string name;
    DroppedFile file;
    std::string top;  // of the file
    std::string_view message;  // what of it stands in `top`
    DropEnvelope envelope;
    LocalUser user;
    std::string reverse_path;
  };
  Task<Fate> take(std::string name);
  Task<Result<void>> open(const std::string& name, Incoming& in);
  Task<Result<void>> submit(const Incoming& in);
  Task<Fate> put_aside(const Incoming& in, Error why);
  Task<Result<bool>> report(const Incoming& in, Error why);
  Task<Result<std::string>> read(const DroppedFile& file, std::uint64_t at, std::size_t most);
  Task<Result<void>> forget_removed();
  SenderRules rules() const;

  DropParts parts_;
  DropDirectory directory_;
  WorkerPool disk_{1};
  TaskGroup tasks_;
  std::vector<std::string> removed_;  // files whose rows are still there
  bool trouble_ = false;  // of our own, at the last look
  bool more_ = false;  // than one look takes, and it took some
  std::atomic<bool> stopping_{false};
  bool started_ = false;
};

}  // namespace posthorn::drop
