// Keys in Space::column (docs/formats/search.md): mailbox (4), column (1), first UID (4), for postings also a number (2).
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "kv/key_codec.h"
#include "search/column.h"

namespace posthorn::search {

inline std::string column_key(MailboxId mailbox, Column column) {
  std::string key;
  kv::put_be32(key, mailbox.value());
  key.push_back(static_cast<char>(column));
  return key;
}
inline std::string segment_key(MailboxId mailbox, Column column, Uid first) {
  std::string key = column_key(mailbox, column);
  kv::put_be32(key, first.value());
  return key;
}
// The first key behind the segments that begin at this UID or a lower one.
inline std::string after_segment_key(MailboxId mailbox, Column column, Uid first) {
  if (first.value() != 0xFFFFFFFF) return segment_key(mailbox, column, Uid(first.value() + 1));
  std::string key = column_key(mailbox, column);
  ++key.back();
  return key;
}
inline std::string postings_key(MailboxId mailbox, Column column, Uid first, std::uint16_t number) {
  std::string key = segment_key(mailbox, column, first);
  key.push_back(static_cast<char>(number >> 8));
  key.push_back(static_cast<char>(number));
  return key;
}
inline std::string mailbox_key(MailboxId mailbox) {
  std::string key;
  kv::put_be32(key, mailbox.value());
  return key;
}
inline std::string after_mailbox_key(MailboxId mailbox) {
  return mailbox.value() == 0xFFFFFFFF ? std::string() : mailbox_key(MailboxId(mailbox.value() + 1));
}

}  // namespace posthorn::search
