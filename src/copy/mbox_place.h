// mbox files as a place of mail.
#pragma once

#include <memory>
#include <string>

#include "async/worker_pool.h"
#include "copy/mail_place.h"

namespace posthorn::copy {

// `path` is a file, which is the INBOX and no more; or a directory (or ends with "/"), whose files are folders, "Archive" with those below it in
// "Archive.sbd", as Thunderbird has them.  Names are those of mailfile's nested layout.  Messages are appended as mboxrd has it: fields named Status and X-Status are
// its own, keywords are not kept, and flags of messages that are there are not changed.  The files are read as mboxrd.
Task<Result<std::unique_ptr<MailPlace>>> open_mbox_place(std::string path, WorkerPool&);

}  // namespace posthorn::copy
