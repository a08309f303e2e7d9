// A mailbox as one POP3 session sees it: fixed at the sign-in, with this session's marks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/directory.h"
#include "base/ids.h"
#include "base/result.h"
#include "store/account.h"

namespace posthorn::pop3 {

// What an account's POP3 is like (settings.h).
struct MaildropRules {
  std::string mailbox = "INBOX";
  bool exclusive = false, hide_seen = false, leave_on_server = false;
  std::chrono::seconds delete_after{0};  // 0: never

  static MaildropRules of(const auth::AccountRecord&);
  static MaildropRules of_server();
};

// INVARIANT 1: message n is the same message until the end, whatever others do to the mailbox (its bytes may go, though).
// INVARIANT 2: nothing is removed before update(), and then in one commit. [RFC1939 6]
class Maildrop {
 public:
  // On a message that a POP3 client deleted and that was left on the server: POP3 shows it no more.
  static constexpr std::string_view kHiddenKeyword = "$POP3Deleted";
  static constexpr std::size_t kMaxExpired = 10'000;  // that one update() removes for their age

  // not_found: the account or the mailbox has gone.
  static Task<Result<Maildrop>> open(store::MailStore&, AccountId, MaildropRules);

  struct Totals {
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };
  // Of the messages not marked as deleted.
  Totals totals() const { return {count() - marked_.messages, bytes_ - marked_.bytes}; }
  // 1 to count() exist, marked or not.
  std::uint32_t count() const { return hides_some_ ? static_cast<std::uint32_t>(shown_.size()) : view_->size(); }
  // Null: there is no such message, or it is marked as deleted.
  const store::Entry* find(std::uint32_t number) const;
  // f(number, entry) for those from `first` to `last`, both included, that are not marked.
  template <class F>
  void for_each(std::uint32_t first, std::uint32_t last, F f) const {
    const auto visit = [&](std::uint32_t number, const store::Entry& e) {
      if (deleted_.empty() || !deleted_[number - 1]) f(number, e);
    };
    if (hides_some_)
      for (auto n = first; n <= last; ++n) visit(n, view_->at(shown_[n - 1]));
    else
      view_->for_each(first - 1, last, [&](std::uint32_t index, const store::Entry& e) { visit(index + 1, e); });
  }

  // [RFC1939 7] The id of the message: the same for ever, in whatever mailbox it is, and never given to another message of this account.  Of several
  // copies in one mailbox the first has it; when that goes, the next one has.
  // Further copies of it in this mailbox have their UID behind it.  REQUIRES: prepare_unique_ids() has been awaited.
  void put_unique_id(std::string& out, const store::Entry&) const;
  Task<> prepare_unique_ids();  // cheap from the second time on

  // REQUIRES: find(number)
  void mark_deleted(std::uint32_t number);
  void unmark_all();
  struct Updated {
    std::uint32_t removed = 0, hidden = 0, expired = 0;  // expired: of those removed, for their age
  };
  // What is marked goes, or is hidden where it is to be left on the server, and what is too old goes.  One commit; a second one when some
  // are hidden and others go.  Messages that others removed meanwhile are no error.
  Task<Result<Updated>> update();

  store::Account& account() const { return *account_; }

 private:
  Maildrop(store::AccountPtr, store::MailboxStatePtr, store::ViewPtr, MaildropRules);
  bool was_hidden(const store::Entry& e) const { return (e.keywords & hidden_keyword_) != 0; }
  bool is_shown(const store::Entry& e) const { return !was_hidden(e) && !(rules_.hide_seen && (e.flags & store::kSeen)); }
  std::vector<Uid> marked() const;
  std::vector<Uid> expired() const;

  store::AccountPtr account_;
  MailboxId mailbox_;
  store::ViewPtr view_;
  MaildropRules rules_;
  std::uint64_t hidden_keyword_ = 0;  // its bit; 0: no message has it
  bool hides_some_ = false;
  std::vector<std::uint32_t> shown_;  // indexes in the view; when some are not
  std::vector<bool> deleted_;         // empty: none
  Totals marked_;
  std::uint64_t bytes_ = 0;  // of all messages shown
  bool knows_copies_ = false;
  std::vector<Uid> copies_;  // ascending: entries whose message has one with a lower UID here
};

}  // namespace posthorn::pop3
