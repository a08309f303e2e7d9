// What a caller tells an IMAP client, and what it gets back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "client/message_source.h"
#include "client/sasl_client.h"
#include "client/smtp_types.h"
#include "client/transcript.h"
#include "net/tls.h"
#include "net/tls_policy.h"
#include "proto/imap/response.h"

namespace posthorn::client {

// How long waits may last; the peer cannot stretch `opening` and `command` by sending a little now and then.
struct ImapTimeouts {
  using Patience = std::chrono::milliseconds;
  Patience opening = std::chrono::minutes(3);    // all of open()
  Patience command = std::chrono::minutes(10);   // a command that moves no messages, to its end
  Patience transfer = std::chrono::hours(12);    // one that does
  Patience silence = std::chrono::minutes(3);    // without a single octet, either way, in any of them but one:
  Patience answer = std::chrono::minutes(10);    // from the end of an APPEND, which the server stores first [RFC5321 4.5.3.2.6]
  Patience logout = std::chrono::seconds(5);
};

struct ImapOptions {
  std::string host;  // the server's name, for OAUTHBEARER and texts
  TlsMode tls = TlsMode::implicit;
  std::shared_ptr<const net::TlsContext> tls_context;  // REQUIRES: one, unless tls is none
  net::TlsPolicy tls_policy;
  std::optional<Credentials> credentials;  // nullopt: open() ends before the sign-in (or behind a PREAUTH)
  bool compress = false;   // COMPRESS=DEFLATE where it is offered [RFC4978]
  bool qresync = true;     // ENABLE QRESYNC, or CONDSTORE, where it is offered
  bool identify = false;   // ID [RFC2971]
  bool namespaces = false; // NAMESPACE together with ENABLE, for personal_prefix() [RFC2342]
  std::size_t unsolicited = 10'000;  // responses kept for take_unsolicited()
  ImapTimeouts timeouts;
  imap::ResponseLimits limits;
  Transcript transcript;
};

struct ListWants {
  bool status = false;       // MESSAGES UIDNEXT UIDVALIDITY, HIGHESTMODSEQ with CONDSTORE
  bool mailbox_ids = false;  // with status: MAILBOXID too, with OBJECTID.  Cyrus 3.6 answers garbage now and then: for who needs it only
  std::string pattern = "*";
};

struct MailboxInfo {
  std::string name;
  std::optional<char> delimiter;
  bool selectable = true;
  bool subscribed = false;
  std::uint8_t special_uses = 0;
  std::optional<imap::StatusItems> status;  // nullopt: not asked for, not selectable, or the server could not
};

struct SelectWants {
  bool read_only = false;
  struct Known {  // of an earlier select()
    std::uint32_t uid_validity = 0;
    std::uint64_t mod_seq = 0;
    imap::NumberSet uids;  // empty: all
  };
  std::optional<Known> known;
};

struct SelectedMailbox {
  std::string name;
  std::uint32_t messages = 0;
  std::uint32_t uid_validity = 0;  // never 0
  std::uint32_t uid_next = 0;      // 0: the server does not tell
  std::uint64_t high_mod_seq = 0;  // 0: none
  bool read_only = false;
  imap::FlagList permanent;        // flags that are kept
  bool any_keyword = false;        // "\*": new keywords are kept too
  std::string mailbox_id;          // OBJECTID [RFC8474]
  // With SelectWants::known, QRESYNC and the same UIDVALIDITY: all that has changed is in these two.
  bool resynced = false;
  imap::NumberSet vanished;
  std::vector<imap::FetchResponse> changed;
};

struct FetchWants {
  bool flags = true, date = false, size = false, email_id = false;
  std::optional<std::uint64_t> changed_since;  // REQUIRES: CONDSTORE.  With QRESYNC what has vanished since is told too
  std::string header_fields;  // "MESSAGE-ID DATE": BODY.PEEK[HEADER.FIELDS (...)], in the response's last section
};

inline imap::NumberSet every_uid() { return imap::NumberSet({imap::NumberRange{1, 0xFFFFFFFF}}); }

// Takes messages one after the other.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // One begins.  `known`: what was told of it so far; most servers tell the UID first, but none has to.
  virtual Task<Result<void>> begin(const imap::FetchResponse& known, std::uint64_t size) = 0;
  virtual Task<Result<void>> write(std::string_view octets) = 0;
  // It is whole, exactly `size` octets: UID, flags and date are all there.
  virtual Task<Result<void>> end(const imap::FetchResponse& all) = 0;
  // It began, and is none, but what a server gives in its place: nothing of it counts.
  virtual void drop() {}
};

struct MessageToAppend {
  // Gives exactly `size` octets; lines end with CRLF already.
  std::function<std::unique_ptr<MessageSource>()> open;
  std::uint64_t size = 0;
  imap::FlagList flags;                       // \Recent is left out
  std::optional<text::DateTime> internal_date;
  std::uint32_t uid_validity = 0, uid = 0;  // that it is to have; uid 0: the server's next one.  REQUIRES otherwise: XPOSTHORN-RESTORE (docs/formats/control.md)
};
struct AppendedMessage {
  std::uint32_t uid_validity = 0, uid = 0;  // 0: the server does not tell
};

struct StoreChange {
  imap::NumberSet uids;
  enum class Mode : std::uint8_t { set, add, remove } mode = Mode::add;
  imap::FlagList flags;
  std::optional<std::uint64_t> unchanged_since;
};

struct CopiedMessage {
  std::uint32_t uid = 0, new_uid = 0;
  std::uint32_t new_uid_validity = 0;
};

// By name, what STATUS tells of each.
using MailboxStates = std::map<std::string, imap::StatusItems>;

struct Unsolicited {
  std::vector<imap::Response> responses;
  bool overflow = false;

  // Messages of the selected mailbox that have gone, as far as it is kept.
  std::uint64_t count_gone() const;
};

}  // namespace posthorn::client
