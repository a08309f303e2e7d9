// What became of messages that were being sent to a mailbox of an IMAP server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/imap_connection.h"

namespace posthorn::fetch {

// "imap/UIDVALIDITY/UIDNEXT/SIZE/DIGEST": where the mailbox ended before, and what was sent.
struct ImapWhere {
  std::uint32_t uid_validity = 0, uid_next = 0;
  std::uint64_t size = 0;  // octets
  std::string digest;      // half of their SHA-256, in hexadecimal digits
};
std::string text_of(const ImapWhere&);
std::optional<ImapWhere> parse_imap_where(std::string_view);
std::string half_digest(std::string_view sha256);

// For each of `sought` whether it has appeared in the mailbox; of messages that are alike as many as are
// there. Where UIDVALIDITY is another now, all of the mailbox counts.  not_found: there is no such mailbox.
Task<Result<std::vector<bool>>> find_appeared(client::ImapConnection&, std::string mailbox,
                                              std::vector<ImapWhere> sought);

}  // namespace posthorn::fetch
