// The thread that packs entries into columns and words, in the background, behind delivery.
#pragma once

#include <functional>
#include <memory>

#include "base/ids.h"
#include "base/settings.h"
#include "store/mail_store.h"

namespace posthorn::search {

inline const Setting<bool> kTextIndex{
    "search.text_index", true,
    "Index the words of messages, so that searching for text does not read them; off: mail that comes in is not indexed."};

// Columns and words never are the truth: what they lack is read from the messages.  Rows are written unsynced, under the account's
// lock, a segment at a time.
class Indexer {
 public:
  // REQUIRES: the store outlives it.
  explicit Indexer(store::MailStore& store);
  // Stops soon: within one message.  Blocking.
  ~Indexer();
  Indexer(const Indexer&) = delete;

  // This mailbox may have entries that are not packed.  Any thread; cheap; merged with hints that wait.
  void hint(AccountId, MailboxId);
  // Blocking: until every hint so far has been worked off.  For tests and tools.
  void wait_until_idle();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::search
