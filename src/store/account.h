// One account: its mailboxes and messages, and every change to them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/mutex.h"
#include "async/task.h"
#include "base/result.h"
#include "blob/blob.h"
#include "message/summary.h"
#include "store/mailbox.h"
#include "store/object_id.h"
#include "store/view.h"

namespace posthorn::store {

class MailStore;

// [RFC9208 5] STORAGE, MESSAGE and MAILBOX.
using Limit = std::optional<std::uint64_t>;  // none: as many as you like; 0: nothing more
struct Quota {
  std::uint64_t bytes_used = 0, messages_used = 0, mailboxes_used = 0;
  Limit bytes_limit, messages_limit, mailboxes_limit;
  // When so much goes in exchange, only what is more than that counts: who is over his quota may change it for less [RFC8508 3.4].
  bool has_room(std::uint64_t bytes, std::uint64_t messages, std::uint64_t freed_bytes = 0, std::uint64_t freed_messages = 0) const {
    const auto fits = [](Limit limit, std::uint64_t used, std::uint64_t more, std::uint64_t freed) {
      return !limit || more <= freed || used + (more - freed) <= *limit;
    };
    return fits(bytes_limit, bytes_used, bytes, freed_bytes) && fits(messages_limit, messages_used, messages, freed_messages);
  }
};
struct QuotaLimits {
  Limit bytes, messages, mailboxes;
};

struct CreateOptions {
  SpecialUse special_use = SpecialUse::none;
};

enum class FlagsOp { replace, add, remove };
enum class FlagsScope { all, system, keywords, none };
struct FlagsChange {
  FlagsOp op = FlagsOp::replace;
  std::uint8_t system = 0;
  std::vector<std::string> keywords;  // valid atoms; compared without regard to case
  Rights rights = kAllRights;         // of who changes them: flags that they do not allow to change stay as they are
  FlagsScope scope = FlagsScope::all;  // the others stay as they are
  std::optional<InternalDate> internal_date = {};  // a new one; like a keyword it needs kWrite
};
struct FlagsResult {
  ViewPtr view;                      // afterwards
  std::vector<Uid> touched;          // existing UIDs of the set that were not held back, ascending (changed or not)
  std::vector<Uid> changed;          // those whose flags differ now
  std::vector<Uid> modified;         // held back: their mod-sequence is above unchanged_since [RFC7162 3.1.3]
};

struct CopyResult {
  UidValidity uid_validity;     // of the target
  std::vector<Uid> from, to;    // pairs, in order
  ViewPtr source_view;          // afterwards (MOVE took the entries out)
  std::optional<Error> stopped;  // MOVE of many: why the others are still where they were
};

struct ExpungeResult {
  std::vector<Uid> uids;
  ViewPtr view;  // afterwards
  ModSeq mod_seq;
};

// Cached while anyone uses it.  Threads: any; coroutines resume on their own reactor.
//
// INVARIANT 1: every change is one durable commit, made under the account's partition lock; memory is updated after the commit
//              and only then is the change announced by the hub.
// INVARIANT 2: readers (views, states, message bytes) never wait for writers.
// Errors of every change: over_quota, no_space, io, not_found (the mailbox or account has gone meanwhile).
class Account : public std::enable_shared_from_this<Account> {
 public:
  // The part of the account that is not by mailbox; row in Space::account.
  struct Core {
    std::uint32_t next_mailbox = 1;
    std::uint32_t next_uid_validity = 1;
    ModSeq mod_seq{1};
    ModSeq change_floor{1};  // changes up to here have been trimmed from the log
    Quota quota;
    bool has_copies = false;  // some message has more than one entry
    MailboxId staging;        // a copy is being written beyond its UIDNEXT (staged_copy.h); 0: none
  };
  AccountId id() const { return id_; }
  MailStore& store() const { return store_; }

  // The account has been removed: whoever signed in to it is nobody now.
  bool is_gone() const;

  // --- mailboxes (what is committed now; no waiting)
  MailboxStatePtr mailbox(MailboxId) const;                   // null: gone
  MailboxStatePtr find_mailbox(std::string_view name) const;  // null: none.  "inbox" in any case is INBOX.
  std::vector<MailboxStatePtr> mailboxes(std::string_view prefix = {}) const;  // those whose names begin so, by name
  // A page of them: at most `limit`, the first of them the first whose name is not before `from`.
  std::vector<MailboxStatePtr> mailboxes_from(std::string_view from, std::size_t limit) const;
  bool has_children(std::string_view name) const;
  std::vector<std::string> subscriptions() const;             // names, sorted; may name vanished mailboxes [RFC3501 6.3.6]
  std::vector<std::string> subscriptions_from(std::string_view from, std::size_t limit) const;  // a page of them
  bool is_subscribed(std::string_view name) const;
  Quota quota() const;
  ModSeq mod_seq() const;

  // Parents are made too; what is made inherits the access control list of its parent.  exists; invalid: bad name; limit: too many mailboxes.
  Task<Result<MailboxStatePtr>> create_mailbox(std::string name, CreateOptions = {});
  // invalid: INBOX.  Children stay: the name is then one without a mailbox (\Noselect) [RFC3501 6.3.4].
  Task<Result<void>> delete_mailbox(std::string name);
  // Children move too.  INBOX: its messages move to the new mailbox, INBOX stays [RFC3501 6.3.5].
  Task<Result<void>> rename_mailbox(std::string from, std::string to);
  Task<Result<void>> set_subscribed(std::string name, bool subscribed);
  // A mailbox that comes from elsewhere goes on where it was there, so that clients keep what they have of it: its UIDVALIDITY, and a
  // UIDNEXT at least so high.  busy: the mailbox has another UIDVALIDITY and has, or had, messages; limit: it is too high.
  Task<Result<void>> restore_uids(MailboxId, UidValidity, Uid uid_next);
  // The whole list anew.  Entries without rights are left out; limit: more than kMaxAclEntries.
  Task<Result<void>> set_acl(MailboxId, Acl);
  // What is there now, edited: two who do it at the same time both have their way.
  Task<Result<void>> edit_acl(MailboxId, std::function<void(Acl&)>);

  // --- reading
  // The newest version; loaded when nobody had it.
  Task<Result<ViewPtr>> view(MailboxId);
  // Messages from this UID on are \Recent for the caller, and for nobody after it [RFC3501 2.3.2].
  Task<Result<Uid>> claim_recent(MailboxId);
  std::optional<Uid> peek_recent(MailboxId) const;   // EXAMINE: without claiming
  // The encoded summaries (message::SummaryView, decode_summary), in the order asked for; empty string: the message has gone.
  Task<Result<std::vector<std::string>>> summaries(std::vector<MessageId>);
  // The conversations of messages, in the order asked for; 0: the message has gone.
  Task<Result<std::vector<ThreadId>>> threads(std::vector<MessageId>);
  // [RFC7162 3.2.5.1] UIDs removed from the mailbox by changes above `since`, up to now: what the caller's view still has vanished after
  // it.  nullopt: not known any more, or too much to read.
  Task<Result<std::optional<UidSet>>> vanished_since(MailboxId, ModSeq since);
  // [RFC9208 5.2.2] DELETED-STORAGE.
  Task<Result<std::uint64_t>> deleted_bytes(MailboxId);
  // A piece of the message's bytes, see blob::Blobs::read.
  Task<Result<std::string>> read(MessageId, std::uint64_t offset, std::uint64_t length);
  // Many small messages at once, see blob::Blobs::read_whole.
  Task<Result<blob::Wholes>> read_whole(std::vector<MessageId>, std::uint64_t bytes = 0);

  // --- changes
  Task<Result<FlagsResult>> change_flags(MailboxId, UidSet, FlagsChange, std::optional<ModSeq> unchanged_since = {});
  // [RFC4314 4] Flags that `at_target` does not allow to set are not copied.  Both hold a slice of the messages (MailStore::Options) at a
  // time, however many there are.
  // [RFC9051 6.4.7] All or none, and nobody sees some of them only; nobody else changes the account meanwhile.
  Task<Result<CopyResult>> copy(MailboxId from, UidSet, MailboxId to, Rights at_target = kAllRights);
  // [RFC6851 3.3] A message is in one of the mailboxes always, never in both.  Many go in several commits: an error means that none has
  // been moved, CopyResult::stopped that only those in the result have.
  Task<Result<CopyResult>> move(MailboxId from, UidSet, MailboxId to, Rights at_target = kAllRights);
  // Removes entries that have \Deleted; with a set: only those in it [RFC4315 2.1].  Many go in several commits; after an error
  // some may have gone.
  Task<Result<ExpungeResult>> expunge(MailboxId, std::optional<UidSet> = {});
  // Removes entries whatever their flags are (POP3, RFC1939 6): one commit.
  Task<Result<ExpungeResult>> remove(MailboxId, UidSet);
  Task<Result<void>> set_quota(QuotaLimits);

 private:
  friend class MailStore;
  friend class Change;
  Account(MailStore& store, AccountId id) : store_(store), id_(id) {}

  struct MoveUnderWay;
  Task<Result<void>> move_slice(MoveUnderWay&);
  Task<Result<CopyResult>> try_copy(MailboxId from, UidSet, MailboxId to, Rights at_target);
  Task<Result<void>> load();
  // REQUIRES: the partition lock is held.
  Task<Result<ViewPtr>> load_view(MailboxId);
  Task<Result<void>> fold(MailboxId);
  Task<Result<void>> remove_all_mail();
  // With the partition lock held: memory agrees with the disk again after a commit of unknown outcome.
  Task<Result<void>> reload_if_stale();

  MailStore& store_;
  const AccountId id_;

  mutable std::mutex mutex_;  // guards everything below; held for look-ups and swaps only
  Core core_;
  std::unordered_map<MailboxId, MailboxStatePtr> mailboxes_;
  std::map<std::string, MailboxId, std::less<>> by_name_;
  std::set<std::string, std::less<>> subscriptions_;
  std::unordered_map<MailboxId, ViewPtr> views_;
  bool stale_ = false;
  bool gone_ = false;   // the account was removed
};
using AccountPtr = std::shared_ptr<Account>;

}  // namespace posthorn::store
