// A Maildir tree as a place of mail.
#pragma once

#include <memory>
#include <string>

#include "async/worker_pool.h"
#include "copy/mail_place.h"

namespace posthorn::copy {

// Messages lie there with LF, as Maildirs have it; but for those that have a bare LF too, which lie there as they are.  UIDs are those of
// mailfile::MaildirUids, which Dovecot and Courier share.
Task<Result<std::unique_ptr<MailPlace>>> open_maildir_place(std::string root, WorkerPool&);

}  // namespace posthorn::copy
