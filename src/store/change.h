// One change of one account: made on copies, under the account's partition lock, in one durable commit, then shown.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kv/store.h"
#include "store/account.h"
#include "store/rows.h"

namespace posthorn::store {

// INVARIANT 1: nothing of it is visible before the commit has returned.
// INVARIANT 2: a commit whose outcome is unknown makes the account read itself anew before its next change.
// One coroutine uses it; several of them (one an account, locked in ascending order of ids) may share one commit.
class Change {
 public:
  // Waits for the lock, and takes back what a copy that failed has left.  not_found: the account has been removed.
  static Task<Result<Change>> begin(AccountPtr);
  Change(Change&&) = default;

  Account& account() { return *account_; }
  kv::Batch& batch() { return batch_; }
  Account::Core& core() { return core_; }
  // The mod-sequence of everything this change does.
  ModSeq mod_seq();

  // The copy of a mailbox that this change may edit; null: there is no such mailbox.
  MailboxState* edit(MailboxId);
  // The mailbox's entries as this change sees them; loaded when nobody had them.
  Task<Result<ViewPtr>> view(MailboxId);
  // The same, or null when they are not loaded (and need not be).
  ViewPtr loaded_view(MailboxId);
  void set_view(MailboxId, ViewPtr);

  void add_mailbox(MailboxState);
  void remove_mailbox(MailboxId);
  void set_subscribed(std::string name, bool);
  void log(ChangeKind, MailboxId, const UidSet& = {});
  void note_added(MailboxId id) { grown_.push_back(id); }
  // Bytes whose last link this change removes.
  void drop_blob(MessageId id, std::uint64_t size) { dropped_.push_back({id, size}); }

  // For changes of many steps: commits the batch so far, whose rows nobody sees yet, and says in the account's row that there are such in
  // this mailbox; 0: not any more.
  Task<Result<void>> commit_unseen(MailboxId staging);

  // Everything to be written: rows of what was edited.  Call it once, last.
  kv::Batch take_batch();
  // After the commit: shows the change, wakes watchers, releases the lock.
  void finish(const Result<void>& outcome);
  // take_batch, commit, finish.
  Task<Result<void>> commit();

 private:
  Change(AccountPtr account, AsyncMutex::Guard lock) : account_(std::move(account)), lock_(std::move(lock)) {}

  AccountPtr account_;
  AsyncMutex::Guard lock_;
  Account::Core core_;
  kv::Batch batch_;
  std::optional<ModSeq> mod_seq_;
  std::unordered_map<MailboxId, MailboxState> edited_;
  std::vector<MailboxId> removed_;
  std::unordered_map<MailboxId, ViewPtr> views_;
  std::vector<std::pair<std::string, bool>> subscriptions_;
  std::vector<MailboxId> grown_;  // got entries
  std::vector<blob::Blobs::Unlinked> dropped_;
};

// The changes of two accounts for one commit, locked in ascending order of ids.  REQUIRES: they are not the same.
struct Both {
  Change source, target;
};
Task<Result<Both>> begin_both(AccountPtr source, AccountPtr target);

// Writes what differs between two access control lists of a mailbox into the index of grantees.
void index_shares(kv::Batch&, AccountId owner, MailboxId, const Acl& before, const Acl& after);

// --- the parts of a change that touch entries; entry_changes.cc

// Adds an entry at the end of the mailbox with the next UID (which it returns); the view follows if it is loaded.
// REQUIRES: change.edit(mailbox) is not null.  `entry` has everything but UID, mod-sequence and save date.
Uid add_entry(Change&, MailboxId, Entry entry);
// Several at once (COPY); returns their UIDs.  `wanted`: as many UIDs that they are to have, 0: the next one; empty: the next for all.
// REQUIRES: check_wanted(), with any wanted.
std::vector<Uid> add_entries(Change&, MailboxId, std::vector<Entry> entries, const std::vector<Uid>& wanted = {});

// What add_entries does but for the rows and the view: UIDs, and all that is counted.
void number_entries(Change&, MailboxState&, std::vector<Entry>&, const std::vector<Uid>& wanted = {});

std::vector<Entry> entries_of(const View&, const UidSet&);
// The first of them behind `after`, at most so many.
std::vector<Entry> entries_of(const View&, const UidSet&, Uid after, std::size_t most);
// over_quota: so much more does not fit.
Result<void> check_room(const Quota&, std::uint64_t bytes, std::uint64_t messages);
// limit: the mailbox has not so many UIDs left.
Result<void> check_uids(const MailboxState&, std::size_t more);
// invalid: one of the UIDs has been given already, or they do not ascend; limit: one is above kHighestRestoredUid, and would leave too few
// for what is to come.
inline constexpr std::uint32_t kHighestRestoredUid = 0xF0000000;
Result<void> check_wanted(const MailboxState&, const std::vector<Uid>& wanted);
// Entries for another mailbox: keywords are bits of their own mailbox, so those of `from` become those of `to`; what the rights there do not
// allow to set goes.
Result<void> translate_flags(std::vector<Entry>&, const MailboxState& from, MailboxState& to, Rights at_target);

// Takes the entries out of the mailbox; returns those that were there.  Messages are the caller's business.
Task<Result<std::vector<Entry>>> take_entries(Change&, MailboxId, const UidSet&);
// The messages of removed entries lose a reference; those without any are removed with their bytes.
Task<Result<void>> release_messages(Change&, const std::vector<Entry>& removed);
// The messages of copied entries gain a reference.
Task<Result<void>> retain_messages(Change&, const std::vector<Entry>& copied);

// The opposite, of entries that have been in no mailbox yet.
Task<Result<void>> forget_messages(Change&, const std::vector<Entry>& copied);

// The bits of keywords, new ones are added to the mailbox when asked to.  limit: it has kMaxKeywords already.
enum class OnUnknownKeyword { add, ignore };
Result<std::uint64_t> keyword_bits(MailboxState&, const std::vector<std::string>& keywords, OnUnknownKeyword);

constexpr std::size_t kRewritePageAt = 64;  // so many changes in a page cost less as one page row
// Writes the page as one row instead of the overlay rows it has; returns the page as it is then.
PagePtr write_page(Change&, MailboxState&, Page);
// Rewrites what the overlay has into pages.  REQUIRES: the view is loaded.
void fold_overlay(Change&, MailboxId, const View&);
constexpr std::uint32_t kFoldAt = 2048;  // rows in the overlay

}  // namespace posthorn::store
