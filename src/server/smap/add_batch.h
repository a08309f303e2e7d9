// A message that ADD is to save, to send, or both, before it is uploaded. [SMAP1 10.1]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "intake/envelope.h"
#include "proto/smtp/address.h"
#include "proto/smtp/delivery_options.h"
#include "server/common/mailbox_access.h"
#include "server/smap/session.h"
#include "store/entry.h"

namespace posthorn::smap {

struct AddBatch {
  // To be saved in: as it was found when it was named.
  std::optional<Path> folder;
  std::optional<server::MailboxRef> target;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  std::optional<store::InternalDate> date;

  // To be sent, when there are recipients.
  bool has_sender = false;               // else it is the user
  std::optional<smtp::Mailbox> sender;   // none: the null reverse-path
  std::vector<smtp::ForwardPath> recipients;
  std::size_t targets = 0;               // accounts and addresses elsewhere, of all recipients
  bool needs_utf8 = false;               // some address does [RFC6531 3.3]
  std::optional<smtp::Notify> notify;    // of every recipient [RFC3461 4.1]
};

}  // namespace posthorn::smap
