// What a server says, as structs. [RFC3501 7] [RFC9051 7] and the extensions that a client of ours asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "proto/imap/flags.h"
#include "proto/imap/sequence_set.h"
#include "text/date.h"

namespace posthorn::imap {

struct ResponseLimits {
  bool utf8 = false;                    // names of mailboxes are UTF-8: UTF8=ACCEPT or IMAP4rev2 was enabled
  std::size_t line = 8 << 20;           // octets of a response, its literals included; but for those that are streamed
  std::uint64_t message = 1ull << 32;   // octets of a streamed literal
  std::size_t depth = 32;               // parentheses
  std::size_t words = 4096;             // capabilities, flags, attributes ... of one response
  std::size_t set_items = 1'000'000;    // of one set of numbers
};

// "[NAME ...]" of a status response.
struct ResponseCode {
  std::string name;                // upper case; empty: there is none
  std::string argument;            // as it came
  std::uint64_t number = 0;        // UIDVALIDITY, UIDNEXT, UNSEEN, HIGHESTMODSEQ, APPENDLIMIT; APPENDUID and COPYUID: the UIDVALIDITY
  std::vector<NumberRange> from;   // COPYUID: the sources; MODIFIED.  In the order in which they came
  std::vector<NumberRange> to;     // APPENDUID, COPYUID: the new UIDs
  std::vector<std::string> words;  // CAPABILITY, PERMANENTFLAGS, BADCHARSET
};

struct StatusResponse {
  enum class Kind : std::uint8_t { ok, no, bad, bye, preauth } kind = Kind::ok;
  std::string tag;  // empty: untagged
  ResponseCode code;
  std::string text;  // as it came: who shows it cleans it
};
struct ContinuationResponse { std::string text; };  // behind "+ "
struct CapabilityResponse { std::vector<std::string> names; };  // upper case
struct EnabledResponse { std::vector<std::string> names; };     // upper case

// What STATUS tells; nullopt: was not told.
struct StatusItems {
  std::optional<std::uint32_t> messages, unseen, uid_next, uid_validity, deleted;
  std::optional<std::uint64_t> high_mod_seq, size;  // high_mod_seq 0: the mailbox keeps none [RFC7162 3.1.2.2]
  std::string mailbox_id;  // [RFC8474 4.3]
};
struct MailboxStatusResponse {
  std::string mailbox;  // UTF-8
  std::string as_sent;  // as the server writes it
  StatusItems items;
};

struct ListResponse {
  std::string mailbox;           // UTF-8; what is no modified UTF-7 stays as it came
  std::string as_sent;           // as the server writes it
  std::optional<char> delimiter;
  bool subscribed_only = false;  // LSUB
  bool no_select = false;        // \Noselect or \NonExistent
  bool non_existent = false, no_inferiors = false, subscribed = false;
  std::uint8_t special_uses = 0;  // bits of SpecialUse
  std::string old_name;           // OLDNAME [RFC9051 6.3.9.7], UTF-8; empty: none
};

struct FlagsResponse { FlagList flags; };
struct ExistsResponse { std::uint32_t count = 0; };
struct RecentResponse { std::uint32_t count = 0; };
struct ExpungeResponse { std::uint32_t number = 0; };
struct VanishedResponse { bool earlier = false; NumberSet uids; };

// What FETCH told of one message.
struct FetchResponse {
  std::uint32_t number = 0;  // sequence number
  std::optional<std::uint32_t> uid;
  std::optional<FlagList> flags;
  std::optional<std::uint64_t> mod_seq, size;
  std::optional<text::DateTime> internal_date;
  std::string email_id;  // [RFC8474 5.1]
  struct Section {
    std::string name;                 // upper case, as "BODY[]" or "RFC822.HEADER"
    std::optional<std::string> text;  // nullopt: NIL.  Empty where it was streamed
  };
  std::vector<Section> sections;
};

struct SearchResponse { std::vector<std::uint32_t> numbers; };  // [RFC3501 7.2.5]
struct EsearchResponse {                                        // [RFC4731 3.1]
  std::string tag;
  bool uid = false;
  std::optional<std::uint32_t> min, max, count;
  NumberSet all;
};

struct NamespacePrefix { std::string prefix; std::optional<char> delimiter; };  // prefix in UTF-8
struct NamespaceResponse { std::vector<NamespacePrefix> personal, others, shared; };
struct IdResponse { std::vector<std::pair<std::string, std::string>> fields; };
struct OtherResponse { std::string name; };  // one that is not listed here; upper case

using Response =
    std::variant<StatusResponse, ContinuationResponse, CapabilityResponse, EnabledResponse, MailboxStatusResponse, ListResponse, FlagsResponse,
                 ExistsResponse, RecentResponse, ExpungeResponse, VanishedResponse, FetchResponse, SearchResponse, EsearchResponse,
                 NamespaceResponse, IdResponse, OtherResponse>;

// `text` is what ResponseReader gives: a whole response without its last line end.  syntax: it is none; limit: beyond one of the limits.
Result<Response> parse_response(std::string_view text, const ResponseLimits& = {});
// The front of a FETCH response, up to the mark of a literal that is streamed: what was told so far; its last section is the one that comes.
Result<FetchResponse> parse_fetch_front(std::string_view text, const ResponseLimits& = {});

// Without control characters and at most so long: words of a server, for people.
std::string for_people(std::string_view said, std::size_t longest = 200);

}  // namespace posthorn::imap
