// IMAP commands as structs. [RFC3501 6] and the extensions named below.
//
// Mailbox names are UTF-8 (decoded from modified UTF-7), and INBOX in any case is "INBOX". [RFC3501 5.1]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/imap/fetch.h"
#include "proto/imap/flags.h"
#include "proto/imap/search_key.h"
#include "proto/imap/sequence_set.h"
#include "text/date.h"

namespace posthorn::imap {

// In any state
struct Capability {};
struct Noop {};
struct Logout {};
struct Id {
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};  // [RFC2971]; NIL: empty

// Before signing in
struct StartTls {};
struct Authenticate {
  std::string mechanism;                        // upper case
  std::optional<std::string> initial_response;  // [RFC4959] still base64; "=" gives an empty string
};
struct Login {
  std::string user;
  std::string password;
};

// Signed in
struct Enable {
  std::vector<std::string> capabilities;
};  // [RFC5161] upper case
struct Select {
  std::string mailbox;
  bool read_only = false;  // EXAMINE
  bool condstore = false;  // [RFC7162 3.1.8]
};
struct Create {
  std::string mailbox;
  std::uint8_t special_use = 0;      // [RFC6154 3] bits of SpecialUse
  bool unknown_special_use = false;  // answer NO [USEATTR]
};
struct Delete {
  std::string mailbox;
};
struct Rename {
  std::string from, to;
};
struct Subscribe {
  std::string mailbox;
};
struct Unsubscribe {
  std::string mailbox;
};
struct List {
  std::string reference, pattern;
};  // both decoded to UTF-8; INBOX in them is kept as it was spelled
struct Lsub {
  std::string reference, pattern;
};
enum class StatusItem : std::uint8_t {
  messages = 1,
  recent = 2,
  uid_next = 4,
  uid_validity = 8,
  unseen = 16,
  highest_mod_seq = 32
};
struct Status {
  std::string mailbox;
  std::uint8_t items = 0;  // bits of StatusItem
  bool wants(StatusItem i) const { return items & static_cast<std::uint8_t>(i); }
};
struct Namespace {};  // [RFC2342]
struct Idle {};       // [RFC2177]

// What stands before the message literal of APPEND; CommandReader gives it, never parse_command().
struct Append {
  std::string mailbox;
  FlagList flags;
  std::optional<text::DateTime> date;
};

// Selected
struct Check {};
struct Close {};
struct Unselect {};  // [RFC3691]
struct Expunge {
  std::optional<SequenceSet> uids;
};  // UID EXPUNGE [RFC4315 2.1]
struct Search {
  std::string charset;  // upper case; empty: none given, that is US-ASCII
  SearchKey key;
};
struct Fetch {
  SequenceSet set;
  // Macros expanded, duplicates dropped. [RFC3501 6.4.8] UID FETCH answers with the UID even if it is not
  // among them.
  std::vector<FetchAttribute> attributes;
  std::optional<std::uint64_t> changed_since;  // [RFC7162 3.1.4.1]
};
struct Store {
  SequenceSet set;
  enum class Action : std::uint8_t { replace, add, remove } action = Action::replace;
  bool silent = false;
  FlagList flags;
  std::optional<std::uint64_t> unchanged_since;  // [RFC7162 3.1.3]
};
struct Copy {
  SequenceSet set;
  std::string mailbox;
};
struct Move {  // [RFC6851]
  SequenceSet set;
  std::string mailbox;
};

using AnyCommand = std::variant<Capability, Noop, Logout, Id, StartTls, Authenticate, Login, Enable, Select,
                                Create, Delete, Rename, Subscribe, Unsubscribe, List, Lsub, Status, Namespace,
                                Idle, Check, Close, Unselect, Expunge, Search, Fetch, Store, Copy, Move>;

struct Command {
  std::string tag;
  bool uid = false;  // the UID form of COPY, FETCH, STORE, SEARCH, MOVE, EXPUNGE: sets and answers are UIDs
  AnyCommand command;
};

}  // namespace posthorn::imap
