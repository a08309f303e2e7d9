// What the POP3 sessions of one account must know of each other.  Threads: any.
#pragma once

#include <chrono>
#include <optional>

#include "base/ids.h"
#include "store/mail_store.h"

namespace posthorn::pop3 {

// The maildrop of an account, for one session alone. [RFC1939 3]
class MaildropLock {
 public:
  // Nothing: another session has it.
  static std::optional<MaildropLock> try_take(const store::MailStore&, AccountId);
  MaildropLock(MaildropLock&&) noexcept;
  MaildropLock& operator=(MaildropLock&&) = delete;
  ~MaildropLock();

 private:
  MaildropLock(const store::MailStore* store, AccountId account) : store_(store), account_(account) {}
  const store::MailStore* store_;  // null: moved from
  AccountId account_;
};

// [RFC2449 6.5] How long this account has to wait for its next sign-in.  0: not at all, and from now on it has signed in: of several sessions
// that ask at the same time one is let in.  The last 100,000 are remembered, until the server stops.
std::chrono::seconds claim_sign_in(const store::MailStore&, AccountId, std::chrono::seconds delay);
// It could not be let in after all: the next one need not wait.
void forget_sign_in(const store::MailStore&, AccountId);

}  // namespace posthorn::pop3
