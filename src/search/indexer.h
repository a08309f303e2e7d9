// The thread that packs entries into columns and words, in the background, behind delivery.
#pragma once

#include <memory>

#include "base/ids.h"
#include "base/settings.h"
#include "store/mail_store.h"

namespace posthorn::search {

inline const Setting<bool> kTextIndex{
    "search.text_index", true,
    "Index the words of messages, so that searching for text does not read them; off: mail that comes in is not indexed."};

// INVARIANT: rows are written under the account's lock, a segment at a time, only if the mailbox is there and nobody dropped its index
//            meanwhile.  They are not synced: what a crash takes is made again.
class Indexer {
 public:
  // REQUIRES: the store outlives it.
  explicit Indexer(store::MailStore& store);
  // Stops soon: within a piece of a message.  Blocking; not on a reactor.
  ~Indexer();
  Indexer(const Indexer&) = delete;

  // This mailbox may have entries that are not packed.  Any thread; cheap; merged with hints that wait.
  enum class Why { grown, opened };
  void hint(AccountId, MailboxId, Why);
  // Blocking: until every hint so far has been worked off.  For tests and tools.
  void wait_until_idle();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::search
