// The mail of all accounts: opening accounts, delivering to several at once.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/result.h"
#include "blob/blob.h"
#include "kv/store.h"
#include "message/parser.h"
#include "store/account.h"
#include "store/change_hub.h"

namespace posthorn::store {

// A message on its way in: bytes go to a blob and through the parser at once; never whole in memory.
class Incoming {
 public:
  // What only passes through, to be sent on, is not parsed, and packed quickly: no mailbox can take it.
  enum class For : std::uint8_t { mailboxes, passing };
  Incoming(Incoming&&) = default;
  // REQUIRES: pieces of at most 64 KiB keep the reactor responsive.
  Task<Result<void>> write(std::string_view bytes);
  // The whole message has come, and its bytes leave memory: for one of many.  blobs().read() can read it.
  Task<Result<void>> write_ahead() { return draft_.write_ahead(); }
  std::uint64_t size() const { return draft_.size(); }
  MessageId id() const { return draft_.id(); }
  // The whole message has come: keeps of it only what will be stored, for one of many.  Returns how many bytes that are.  REQUIRES: for mailboxes.
  std::size_t conclude();

 private:
  friend class MailStore;
  Incoming(blob::Draft draft, For whom) : draft_(std::move(draft)) {
    if (whom == For::mailboxes) parser_.emplace();
  }
  blob::Draft draft_;
  std::optional<message::Parser> parser_;
  std::optional<std::string> summary_;  // encoded; when it has been concluded
  std::vector<std::string> thread_keys_;
};

struct Target {
  AccountPtr account;
  MailboxId mailbox;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  InternalDate internal_date;
};
struct Appended {
  UidValidity uid_validity;
  Uid uid;
  ModSeq mod_seq;
};

// One of several messages for one mailbox.
struct NewMessage {
  Incoming incoming;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  InternalDate internal_date;
  Uid uid{0};  // the one that it had elsewhere, for append_all(); 0: the next one
  UidValidity uid_validity{0};  // under which it had it, and the mailbox must still be; with uid
};
// A second message, for one mailbox, that is stored by the same commit as the first, or neither is: what a sender keeps of what he sends.
struct Beside {
  NewMessage message;
  AccountPtr account;
  MailboxId mailbox;
  std::optional<Appended> stored;  // afterwards
};
// An entry that goes when the new message comes [RFC8508].
struct Replaced {
  MailboxId mailbox;
  Uid uid;
  AccountPtr account = {};  // null: that of the new message
};
struct AppendedAll {
  UidValidity uid_validity;
  std::vector<Uid> uids;  // ascending, in the order of the messages
  ModSeq mod_seq;
};

// A mailbox of somebody else.
struct Share {
  AccountId owner;
  MailboxId mailbox;
  friend auto operator<=>(const Share&, const Share&) = default;
};

struct StoreStats {
  std::size_t accounts_cached = 0;
  std::size_t views_cached = 0;
  std::size_t view_bytes = 0;
};

// Threads: any.
class MailStore {
 public:
  struct Options {
    std::size_t view_cache_bytes = 256 << 20;
    std::size_t max_accounts_cached = 10'000;
    std::size_t max_mailboxes = 200'000;  // of one account; as many subscriptions
    std::uint32_t slice = 20 * View::kPageSize;  // messages that one commit copies, moves or removes, where many go in several
  };
  MailStore(kv::Store& kv, blob::Blobs& blobs, WorkerPool& workers, Options);
  MailStore(kv::Store& kv, blob::Blobs& blobs, WorkerPool& workers) : MailStore(kv, blobs, workers, Options{}) {}
  ~MailStore();

  // Once, before anything else: checks the format version.
  Task<Result<void>> open();
  // Once, at the end, or by the destructor: waits for background work (folding, sweeping).  Blocking.
  void close();

  // A new account with INBOX and the usual special-use mailboxes (Drafts, Sent, Junk, Trash, Archive), subscribed.
  Task<Result<void>> create_account(AccountId);
  Task<Result<void>> remove_account(AccountId);  // with all its mail
  // not_found: no such account.
  Task<Result<AccountPtr>> account(AccountId);

  Incoming begin_incoming(Incoming::For whom = Incoming::For::mailboxes) {
    return {blobs_.begin(whom == Incoming::For::mailboxes ? blob::Packing::well : blob::Packing::quickly), whom};
  }

  // Puts the message into every target in ONE durable commit.  The inner results answer each target: over_quota, not_found, limit; the others
  // are stored all the same.  The outer error means that nothing was stored.
  Task<Result<std::vector<Result<Appended>>>> append(Incoming incoming, std::vector<Target> targets) {
    return append(std::move(incoming), std::move(targets), {});
  }
  // What else is to be in that commit, also when no target gets the message: rows that link its bytes.  Asked once, right before the commit and
  // under the locks of the accounts, with the results as they would be; its error is the outer one.  Quick, and no call of the store.
  using Also = std::function<Result<kv::Batch>(const std::vector<Result<Appended>>&)>;
  // `beside`: its failure (over_quota, not_found, limit, too_large) is the outer error.
  Task<Result<std::vector<Result<Appended>>>> append(Incoming, std::vector<Target>, Also, Beside* beside = nullptr);
  // Puts all of them into one mailbox, in order, or none, in ONE durable commit [RFC3502]; with `replaced` the old entry goes in the same
  // commit (not_found: it has gone already), and of one account only what the two differ by counts for the quota [RFC8508 3.4].
  // Each message holds up to 256 KiB of its bytes until then, unless they were written ahead: the caller limits their number.
  // REQUIRES: at least one.  Errors: over_quota, not_found, limit, too_large, no_space, io, invalid (a UID below the mailbox's UIDNEXT, or
  // not above the one before it, or of another UIDVALIDITY): nothing was stored.
  Task<Result<AppendedAll>> append_all(AccountPtr, MailboxId, std::vector<NewMessage>, std::optional<Replaced> = {});
  // COPY and MOVE to another account: the bytes are shared, UIDs are given anew, all or nothing in one commit (limit: too many for
  // one).  Within one account the same as Account::copy and move.
  Task<Result<CopyResult>> copy(AccountPtr from, MailboxId, UidSet, AccountPtr to, MailboxId target, Rights at_target = kAllRights);
  Task<Result<CopyResult>> move(AccountPtr from, MailboxId, UidSet, AccountPtr to, MailboxId target, Rights at_target = kAllRights);
  // Mailboxes of others on which the account, or anyone, has been granted some right, in order.  A negative entry may take it
  // away again: MailboxState::rights_of decides.
  Task<Result<std::vector<Share>>> shared_with(AccountId, AnyoneIn = {});
  // Whether a message of this size would fit now; for RCPT and APPEND before the bytes come.
  static bool fits(const Account&, std::uint64_t bytes);

  // Called on the committing thread after every commit that added entries to a mailbox which has 512 or more, with their number; must
  // be short.  Set once, before the first change.
  using OnMailboxChanged = std::function<void(AccountId, MailboxId, std::uint32_t entries)>;
  void on_mailbox_changed(OnMailboxChanged f) { on_mailbox_changed_ = std::move(f); }

  ChangeHub& hub() { return hub_; }
  blob::Blobs& blobs() { return blobs_; }
  kv::Store& kv() { return kv_; }
  WorkerPool& workers() { return workers_; }
  StoreStats stats() const;
  std::uint32_t slice() const { return options_.slice; }

 private:
  friend class Account;
  friend class Change;
  class Ready;
  struct Background;
  void trim_caches();
  void view_loaded(std::size_t bytes);
  // Background work, on a thread of its own.
  void remove_later(std::vector<blob::Blobs::Unlinked>);
  void fold_later(AccountPtr, MailboxId);

  kv::Store& kv_;
  blob::Blobs& blobs_;
  WorkerPool& workers_;
  Options options_;
  ChangeHub hub_;
  OnMailboxChanged on_mailbox_changed_;
  mutable std::mutex mutex_;
  std::unordered_map<AccountId, AccountPtr> accounts_;
  std::size_t loaded_view_bytes_ = 0;  // since the caches were trimmed last; guarded by mutex_
  std::unique_ptr<Background> background_;
};

// `posthorn store check`: every checksum, link, counter and UID order.
struct CheckProblem {
  AccountId account;  // 0: not of one account
  std::string text;
};
struct CheckReport {
  std::vector<CheckProblem> problems;  // at most 1,000
  std::uint64_t accounts = 0, mailboxes = 0, entries = 0, messages = 0, blobs = 0;
  std::vector<MessageId> queued;  // blobs that the queue links, ascending: it looks after them itself
};
// `at`: the state to look at; none: the newest.
Task<Result<CheckReport>> check_store(kv::Store&, blob::Blobs&, kv::SnapshotPtr at = {});

}  // namespace posthorn::store
