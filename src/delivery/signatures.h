// The DKIM signatures of what goes out. [RFC6376 5] [RFC8463]
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "async/mutex.h"
#include "async/task.h"
#include "async/worker_pool.h"
#include "auth/directory.h"
#include "auth/lru_map.h"
#include "base/result.h"
#include "delivery/outgoing.h"
#include "queue/entry.h"

namespace posthorn::delivery {

// Whether a recipient's copy may be signed: the message came from who may speak for our domains (queue::Origin::ours).  From a trusted network only
// where the sender wrote this very address: what such a host passes on to an alias may be anybody's.
bool may_sign(const queue::Entry&, const queue::Recipient&);

struct Signature {
  std::string fields;  // DKIM-Signature fields, to stand before everything else; empty: none
  std::string note;    // for the trace
};
using SignaturePtr = std::shared_ptr<const Signature>;

// 1. A message is signed for the domain of its author (From), with every key that is active then, when that domain is ours; else not.
// 2. What is signed is what is sent: the form for a host, after conversion, with the line ends it goes out with.
// 3. One form of a message is signed once for all destinations, as long as it is remembered (kRemembered forms) and the keys are the same.
// 4. Memory: two pieces of the message while it is read, some 2 KiB for each form that is remembered.
//
// Threads: any.  Long pieces are hashed and every private key is used on a worker.
class Signatures {
 public:
  static constexpr std::size_t kRemembered = 1000;

  // REQUIRES: both outlive it.
  Signatures(auth::Directory&, WorkerPool&);

  // The form is one of `message`; both outlive the task.  Without fields, and a note that says why: what cannot be signed at all, as it
  // has no From.  Errors: the message or the keys cannot be read, or do not work.
  Task<Result<SignaturePtr>> of(Outgoing& message, const Outgoing::Form& form);

 private:
  struct Slot;
  Task<Result<void>> sign(Slot&, Outgoing&, const Outgoing::Form&);
  Task<Result<auth::SigningKeys>> keys_of(std::string author_domain);

  auth::Directory& directory_;
  WorkerPool& workers_;
  std::mutex mutex_;
  auth::LruMap<std::shared_ptr<Slot>> slots_{kRemembered};  // guarded by mutex_
};

}  // namespace posthorn::delivery
