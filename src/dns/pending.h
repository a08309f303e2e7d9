// A look-up under way: one coroutine waits, the first to finish it counts.
#pragma once

#include <atomic>
#include <memory>

#include "async/event.h"
#include "dns/resolver.h"

namespace posthorn::dns {

// Threads: finish() and is_finished() from any; wait() by one coroutine, once, on its reactor.
class Pending {
 public:
  // Only the first call counts; what comes later is dropped.
  void finish(Reply);
  bool is_finished() const { return claimed_.load(std::memory_order_acquire); }

  // Until somebody finishes it, or the deadline does.
  static Task<Reply> wait(std::shared_ptr<Pending>, Deadline);

 private:
  std::atomic<bool> claimed_{false};
  Reply reply_;  // written before done_ is set, read after it
  Event done_;
};

// For the log: a reply that says nothing but why there is none.
Reply no_reply(Status, std::string why);

}  // namespace posthorn::dns
