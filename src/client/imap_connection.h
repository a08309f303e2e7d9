// One connection to an IMAP server, as its client. [RFC3501] [RFC9051]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "client/imap_types.h"
#include "client/message_source.h"
#include "net/connection.h"

namespace posthorn::client {

struct ImapState;

// Names of mailboxes are UTF-8, INBOX in capitals; levels are separated by the server's delimiter().
//
// Errors of all calls: denied: the server said NO to a sign-in, or a certificate does not satisfy the policy; not_found: NO with
// NONEXISTENT or TRYCREATE; exists; over_quota; too_large; busy (INUSE); invalid: any other NO, and BAD; syntax: what the server says is no
// IMAP, or contradicts itself; closed, timed_out, cancelled, io.  Texts are complete sentences for people that quote the server's words,
// without control characters.  After not_found ... invalid the connection can go on; after the others it cannot: is_usable().
//
// INVARIANT 1: nothing that was said before TLS counts behind it, and what is sent behind the reply to STARTTLS ends the attempt.
// INVARIANT 2: a password or token is sent without TLS only with Credentials::allow_plaintext, and never appears in a transcript.
// INVARIANT 3: no message is ever whole in memory.
// INVARIANT 4: when the UIDVALIDITY of the selected mailbox turns out to be another in the middle, every call from then on fails with
//              `syntax` until the next select().
// Threads: everything on the reactor's thread; one call at a time, except shut_down().
class ImapConnection {
 public:
  explicit ImapConnection(ImapOptions);
  ~ImapConnection();  // closes without LOGOUT
  ImapConnection(const ImapConnection&) = delete;
  ImapConnection& operator=(const ImapConnection&) = delete;

  // Greeting, TLS, sign-in, ENABLE, COMPRESS, and the hierarchy delimiter.  Once.
  Task<Result<void>> open(std::unique_ptr<net::Connection>);
  bool is_usable() const;
  // LOGOUT and the end, whatever the server does about it.
  Task<> logout();
  // What is under way fails with `cancelled`, and so does all that is begun later.
  void shut_down();

  bool has(std::string_view capability) const;  // "CONDSTORE"; as of the end of open()
  std::optional<std::uint64_t> append_limit() const;  // APPENDLIMIT=n [RFC7889]; nullopt: the server does not tell
  const std::string& greeting() const;
  const std::string& signed_in_by() const;      // the mechanism, "LOGIN" or "PREAUTH"; empty: not
  bool is_tls() const;
  std::string tls_version() const;

  // --- mailboxes
  // All mailboxes (LIST "" "*"), with their subscriptions, and what STATUS tells of each where `want` has it: in one round trip where
  // LIST-STATUS is offered, else pipelined behind it.
  Task<Result<std::vector<MailboxInfo>>> list(ListWants want = {});
  Task<Result<imap::StatusItems>> status(std::string mailbox);
  Task<Result<imap::NamespaceResponse>> namespaces();
  Task<Result<void>> create(std::string mailbox, std::uint8_t special_uses = 0);  // fine if it is there already
  Task<Result<void>> rename(std::string from, std::string to);
  Task<Result<void>> remove(std::string mailbox);                                 // fine if it is not there
  Task<Result<void>> subscribe(std::string mailbox, bool wanted = true);
  std::optional<char> delimiter() const;  // of the personal mailboxes
  // What the names of all of them but the INBOX begin with, "INBOX." say; empty without ImapOptions::namespaces.
  const std::string& personal_prefix() const;

  // SELECT or EXAMINE.  With `known` and QRESYNC what has changed since comes in the result; where the server cannot, `resynced` is false.
  Task<Result<SelectedMailbox>> select(std::string mailbox, SelectWants wants = {});
  Task<Result<void>> unselect();  // without expunging
  const std::string& selected() const;

  // --- messages of the selected mailbox
  // UIDs, flags, dates ... of all that exist of `uids` (of all: every_uid()); `each` is called as they come.
  Task<Result<void>> fetch(imap::NumberSet uids, FetchWants wants, std::function<void(const imap::FetchResponse&)> each,
                           imap::NumberSet* vanished = nullptr);
  // Whole messages, many with one command.  Their octets are as the server keeps them: lines end with CRLF.  Which ones never came is the
  // caller's to see: they vanished, or the server could not.  An error of the sink ends the connection and is given back.
  Task<Result<void>> fetch_messages(imap::NumberSet uids, MessageSink& sink);
  // Messages into `mailbox`, which need not be selected, in as few round trips as the server allows: pipelined, not one MULTIAPPEND, so that
  // one that is refused does not take others with it.  Appends one result for each message of which the fate is known; where that is
  // fewer than were given, the error says why, and the next one may or may not have arrived.
  Task<Result<void>> append(std::string mailbox, std::span<MessageToAppend> messages, std::vector<Result<AppendedMessage>>& results);
  // All of them with one command, or none.  `told`: one for each, if the server tells the UIDs of all of them; else nothing.
  // REQUIRES: MULTIAPPEND [RFC3502], or just one; at least one.
  Task<Result<void>> append_all(std::string mailbox, std::span<MessageToAppend> messages, std::vector<AppendedMessage>* told = nullptr);
  // The mailbox goes on with these numbers.  REQUIRES: XPOSTHORN-RESTORE.  invalid: it has others, and had messages.
  Task<Result<void>> restore(std::string mailbox, std::uint32_t uid_validity, std::uint32_t uid_next);
  // UID STORE, several pipelined.  Every response that tells the state afterwards goes to `each`.  With `unchanged_since` those that the
  // server leaves alone [RFC7162 3.1.3] are in the result.
  Task<Result<imap::NumberSet>> store(std::span<const StoreChange> changes, std::function<void(const imap::FetchResponse&)> each = {});
  // The pairs that the server tells (UIDPLUS); empty: it tells nothing.
  Task<Result<std::vector<CopiedMessage>>> copy(imap::NumberSet uids, std::string to);
  // MOVE, or COPY, STORE \Deleted and UID EXPUNGE; unsupported: the server has neither MOVE nor UIDPLUS.
  Task<Result<std::vector<CopiedMessage>>> move(imap::NumberSet uids, std::string to);
  // Marks them \Deleted and expunges just them.  Without UIDPLUS they are only marked, and the result is false.
  Task<Result<bool>> expunge(imap::NumberSet uids);
  // UIDs of what has this header field; exact words are up to the server.
  Task<Result<imap::NumberSet>> search_header(std::string field, std::string value);

  // --- what nobody asked for
  // IDLE (NOOP every `interval` where it is not offered) until something is said about what is followed, `until` has passed or wake() is
  // called.  true: something is new.
  Task<Result<bool>> idle(Deadline until, std::chrono::milliseconds interval = std::chrono::seconds(60));
  void wake();
  // NOTIFY [RFC5465]: unselects, and from now on idle() hears of all personal mailboxes: STATUS of one whose messages or flags change,
  // LIST of one that comes, goes or is renamed; `overflow`: the server has stopped telling.  All mailboxes as they are at this moment;
  // nullopt: the server cannot or will not, and all is as ever.
  // INVARIANT: until follow_selected() nothing but idle() may be called: what is pushed could be taken for an answer.
  Task<Result<std::optional<MailboxStates>>> follow_all();
  // Back; what has been told and not taken is forgotten.
  Task<Result<void>> follow_selected();
  Task<Result<void>> noop();
  // Untagged responses that no call has taken since: EXISTS, EXPUNGE, VANISHED, FETCH, STATUS ..., oldest first; at most
  // ImapOptions::unsolicited, then `overflow` says that some are lost and the mailbox has to be looked at anew.
  Unsolicited take_unsolicited();

 private:
  std::unique_ptr<ImapState> state_;
};

}  // namespace posthorn::client
