// By what a message of a POP3 server is known again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/pop3_connection.h"

namespace posthorn::fetch {

struct Known {
  std::uint32_t number = 0;
  // "u" and its unique-id; or "h" and the digest of its header and size, where the server has no unique-ids
  // or gives one to several messages; "#2" and so on behind it for those that are alike in that too.  Empty:
  // only its content tells (content_key).
  std::string key;
  bool is_content() const { return key.starts_with('c'); }
};

class Trouble;

// All messages of the maildrop, in the server's order.  `wants_keys`: messages stay on the server, so each
// must be known again (unsupported: the server has neither UIDL nor TOP).  `had_ids`: it has given unique-ids
// before; busy: now it refuses them, and by anything else all messages would be new.
Task<Result<std::vector<Known>>> identify(client::Pop3Connection&, bool wants_keys, bool had_ids, Trouble&);

// "c" and the digest.
std::string content_key(std::string_view sha256);

}  // namespace posthorn::fetch
