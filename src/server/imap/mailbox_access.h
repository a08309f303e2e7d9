// Whose mailbox a name means, and what the user may do with it. [RFC4314] [RFC2342]
#pragma once

#include "store/account.h"

namespace posthorn::imap {

struct MailboxRef {
  store::AccountPtr account;  // the owner's
  store::MailboxStatePtr state;
};

}  // namespace posthorn::imap
