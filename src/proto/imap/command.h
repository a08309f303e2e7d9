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
// [RFC7162 3.2.5] What the client says it has.
struct QresyncParameter {
  std::uint32_t uid_validity = 0;
  std::uint64_t mod_seq = 0;
  std::optional<SequenceSet> known_uids;      // without "*"
  std::optional<SequenceSet> match_numbers;   // sequence numbers, and the UIDs the client has for them: both or neither, of the same length
  std::optional<SequenceSet> match_uids;
};
struct Select {
  std::string mailbox;
  bool read_only = false;  // EXAMINE
  bool condstore = false;  // [RFC7162 3.1.8]
  std::optional<QresyncParameter> qresync;
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
enum class StatusItem : std::uint16_t {
  messages = 1,
  recent = 2,
  uid_next = 4,
  uid_validity = 8,
  unseen = 16,
  highest_mod_seq = 32,
  size = 64,              // [RFC8438]
  mailbox_id = 128,       // [RFC8474]
  deleted = 256,          // [RFC9051 6.3.11]
  deleted_storage = 512,  // [RFC9208 5.3]
  append_limit = 1024,    // [RFC7889]
};
enum class ListSelect : std::uint8_t { subscribed = 1, remote = 2, recursive_match = 4, special_use = 8 };       // [RFC5258 3.1] [RFC6154 4]
enum class ListReturn : std::uint8_t { subscribed = 1, children = 2, special_use = 4, my_rights = 8, status = 16 };  // [RFC5258 3.2] [RFC5819] [RFC8440]
struct List {
  std::string reference;
  std::vector<std::string> patterns;  // one or more; decoded to UTF-8; INBOX in them is kept as it was spelled
  bool extended = false;              // [RFC5258 3] it had selection or return options or several patterns
  std::uint8_t select = 0;            // bits of ListSelect
  std::uint8_t returns = 0;           // bits of ListReturn
  std::uint16_t status_items = 0;     // bits of StatusItem, of RETURN (STATUS (...))
  bool selects(ListSelect s) const { return select & static_cast<std::uint8_t>(s); }
  bool wants(ListReturn r) const { return returns & static_cast<std::uint8_t>(r); }
};
struct Lsub {
  std::string reference, pattern;
};
struct Status {
  std::string mailbox;
  std::uint16_t items = 0;  // bits of StatusItem
  bool wants(StatusItem i) const { return items & static_cast<std::uint16_t>(i); }
};
struct Namespace {};  // [RFC2342]
struct Idle {};       // [RFC2177]

// [RFC4314 3] Identifiers are UTF-8, as the client wrote them.
struct SetAcl {
  std::string mailbox, identifier;
  enum class Action : std::uint8_t { replace, add, remove } action = Action::replace;
  std::string rights;  // without the sign
};
struct DeleteAcl {
  std::string mailbox, identifier;
};
struct GetAcl {
  std::string mailbox;
};
struct ListRights {
  std::string mailbox, identifier;
};
struct MyRights {
  std::string mailbox;
};
// [RFC9208 4.1]
struct GetQuota {
  std::string root;
};
struct GetQuotaRoot {
  std::string mailbox;
};
struct SetQuota {
  std::string root;
  std::vector<std::pair<std::string, std::uint64_t>> limits;  // resource in upper case, limit (STORAGE in KiB)
};
struct Compress {
  std::string mechanism;  // upper case
};  // [RFC4978]
// Our own (docs/formats/control.md): a mailbox goes on with the numbers it had elsewhere.
struct Restore {
  std::string mailbox;
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
};

// What stands before the message literal of APPEND CommandReader gives it, never parse_command().
struct Append {
  std::string mailbox;
  FlagList flags;
  std::optional<text::DateTime> date;
  bool binary = false;                  // the message is a literal8 [RFC3516 4.4]
  bool utf8 = false;                    // UTF8 (literal8) [RFC6855 4]
  std::optional<SequenceSet> replaced;  // REPLACE, UID REPLACE: the one message it replaces [RFC8508]
  bool replaced_by_uid = false;
  std::uint32_t uid = 0;                // XUID v n, our own: the one that it had elsewhere; 0: not given
  std::uint32_t uid_validity = 0;       // under which it is to be
};

// Selected
struct Check {};
struct Close {};
struct Unselect {};  // [RFC3691]
struct Expunge {
  std::optional<SequenceSet> uids;
};  // UID EXPUNGE [RFC4315 2.1]
// [RFC9394 3.1] "1:100", or "-1:-100" counted from the end; first <= last in the direction of counting.
struct ResultRange {
  std::uint32_t first = 0, last = 0;
  bool from_end = false;
  friend bool operator==(const ResultRange&, const ResultRange&) = default;
};
// [RFC4731] [RFC5182] [RFC9394]
struct SearchReturn {
  bool given = false;  // RETURN (...) was there: the answer is ESEARCH.  "RETURN ()" is ALL.
  bool min = false, max = false, all = false, count = false, save = false;
  std::optional<ResultRange> partial;
};
struct Search {
  std::string charset;  // upper case; empty: none given, that is US-ASCII
  SearchKey key;
  SearchReturn result;
};
// [RFC5256 3] [RFC5957]
enum class SortKey : std::uint8_t { arrival, cc, date, from, size, subject, to, display_from, display_to };
struct SortCriterion {
  SortKey key = SortKey::date;
  bool reverse = false;
  friend bool operator==(SortCriterion, SortCriterion) = default;
};
struct Sort {
  std::vector<SortCriterion> criteria;  // one or more
  Search search;
};
enum class ThreadAlgorithm : std::uint8_t { ordered_subject, references, refs };
struct Thread {
  ThreadAlgorithm algorithm = ThreadAlgorithm::references;
  Search search;  // without RETURN
};
struct Fetch {
  SequenceSet set;
  // Macros expanded, duplicates dropped. [RFC3501 6.4.8] UID FETCH answers with the UID even if it is not
  // among them.
  std::vector<FetchAttribute> attributes;
  std::optional<std::uint64_t> changed_since;  // [RFC7162 3.1.4.1]
  bool vanished = false;                       // [RFC7162 3.2.6] with changed_since, of UID FETCH only
  std::optional<ResultRange> partial;          // [RFC9394 3.3] of UID FETCH only
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
                                Idle, SetAcl, DeleteAcl, GetAcl, ListRights, MyRights, GetQuota, GetQuotaRoot, SetQuota, Compress, Restore,
                                Check, Close, Unselect, Expunge, Search, Sort, Thread, Fetch, Store, Copy, Move>;

struct Command {
  std::string tag;
  bool uid = false;  // the UID form of COPY, FETCH, STORE, SEARCH, MOVE, EXPUNGE: sets and answers are UIDs
  AnyCommand command;
};

}  // namespace posthorn::imap
