// The spaces (tables) of the key-value store.  The numbers are on disk: never reuse one.  docs/formats/store.md describes each.
#pragma once

#include <cstdint>

namespace posthorn::kv {

enum class Space : std::uint8_t {
  meta = 1,          // partition 0: format version, counters of the whole store
  directory = 2,     // partition 0: domains, addresses, aliases, credentials
  account = 3,       // by account: the account row
  mailbox = 4,       // by account: mailbox rows
  subscription = 5,  // by account: subscribed names
  entry_page = 6,    // by account: packed pages of entries
  entry = 7,         // by account: the overlay over the pages
  message = 8,       // by account: message rows (summaries)
  message_refs = 9,  // by account: number of entries of a message, when it is not one
  change = 10,       // by account: the change log
  blob_link = 11,    // by shard: who refers to a blob
  blob_open = 12,    // by shard: blobs being written ahead of their commit
  blob = 13,         // by shard: chunks of message bytes
  queue = 14,        // partition 0: messages that wait to be sent, and when they are due
  column = 15,       // by account: columns of the search index, by mailbox
  index_state = 16,  // by account: how far the search index of a mailbox has got
  share = 17,        // by grantee's account (0: anyone): mailboxes of others
  thread = 18,       // by account: the thread of a message-id
  trace = 19,        // partition 0: what happened to messages, for some days
};

}  // namespace posthorn::kv
