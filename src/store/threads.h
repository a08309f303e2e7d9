// Which conversation a message belongs to [RFC8474 5.3]: decided once, when it comes into the account.
//
// Space::thread has for every message-id that a message of the account ever had or named, by its hash, the conversation.  A new message
// joins the oldest one that it, its In-Reply-To or its References is known by; conversations are never joined later.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "message/summary.h"
#include "store/change.h"
#include "store/object_id.h"

namespace posthorn::store {

// The keys in Space::thread of what the message has and names: at most 51.
std::vector<std::string> thread_keys(const message::Summary&);

// The conversations of the messages that one change adds.
class Threads {
 public:
  // REQUIRES: the change lives as long.
  explicit Threads(Change& change) : change_(&change) {}
  // REQUIRED before assign() of messages with these keys.
  Task<Result<void>> look_up(std::vector<std::string> keys);
  // Writes the rows of keys that are new.
  ThreadId assign(MessageId, const std::vector<std::string>& keys);

 private:
  Change* change_;
  std::unordered_map<std::string, ThreadId> known_;
};

}  // namespace posthorn::store
