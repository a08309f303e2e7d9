// The INBOX as one session sees it: fixed at the sign-in, with this session's marks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "store/account.h"

namespace posthorn::pop3 {

// INVARIANT 1: message n is the same message until the end, whatever others do to the mailbox (its bytes may go, though).
// INVARIANT 2: nothing is removed before update(), and then in one commit. [RFC1939 6]
class Maildrop {
 public:
  // not_found: the account or its INBOX has gone.
  static Task<Result<Maildrop>> open(store::MailStore&, AccountId);

  struct Totals {
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };
  // Of the messages not marked as deleted.
  Totals totals() const;
  // 1 to count() exist, marked or not.
  std::uint32_t count() const { return view_->size(); }
  // Null: there is no such message, or it is marked as deleted.
  const store::Entry* find(std::uint32_t number) const;
  // [RFC1939 7] The same for ever, and never given to another message of this account: UIDVALIDITY.UID of INBOX.
  void put_unique_id(std::string& out, const store::Entry&) const;

  // REQUIRES: find(number)
  void mark_deleted(std::uint32_t number);
  void unmark_all();
  // Removes what is marked; answers how many.  Messages that others removed meanwhile are no error.
  Task<Result<std::uint32_t>> update();

  store::Account& account() const { return *account_; }

 private:
  Maildrop(store::AccountPtr account, MailboxId mailbox, UidValidity, store::ViewPtr view);

  store::AccountPtr account_;
  MailboxId mailbox_;
  std::string unique_id_prefix_;
  store::ViewPtr view_;
  std::vector<bool> deleted_;  // empty: none
  Totals marked_;
  std::uint64_t bytes_ = 0;  // of all messages of the view
};

}  // namespace posthorn::pop3
