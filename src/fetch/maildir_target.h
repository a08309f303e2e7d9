// A folder of a Maildir as the place of fetched messages.
#pragma once

#include "fetch/target.h"
#include "mailfile/maildir.h"

namespace posthorn::fetch {

// CRLF becomes LF, as every file of a Maildir has it; names get ",S=" and ",W=".
// INVARIANT: a message that was prepared lies in tmp under its name, or has appeared.  Within one start of
// the machine, and within the 24
//            hours in which nobody cleans tmp, that is certain; after that a message that is nowhere is
//            fetched again.
std::unique_ptr<Target> make_maildir_target(mailfile::MaildirFolder);

}  // namespace posthorn::fetch
