// IMAP as a client.
#pragma once

#include "loop.h"

namespace mailload {

struct Resp {
  string status, text;  // OK/NO/BAD/+ and rest
  int64_t rows = 0, exists = -1, literal_bytes = 0, bytes = 0, found = -1, status_messages = -1, uidnext = -1,
          bad_sum = 0;
  std::vector<uint32_t> uids;
};

bool starts(string_view a, string_view p);
string new_tag(Conn& c);
// Reads until the reply with this tag (or a continuation); `collect` keeps the UIDs of FETCH.
Task<void> imap_read(Conn& c, const string& tag, Resp& r, bool collect = false);
Task<void> imap_cmd(Conn& c, const string& cmd, Resp& r, bool collect = false);
Task<void> imap_ok(Conn& c, const string& cmd, Resp& r, bool collect = false);
Task<void> imap_login(Conn& c, const string& host, int port, int64_t user, bool tls, bool starttls);
Task<void> imap_logout(Conn& c);

}  // namespace mailload
