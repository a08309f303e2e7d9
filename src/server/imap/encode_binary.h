// A message that came as literal8 and holds NUL. [RFC3516 4.4]
#pragma once

#include "async/task.h"
#include "base/result.h"
#include "store/mail_store.h"

namespace posthorn::imap {

// FETCH BODY[] can send everything but NUL [RFC3501 9] CHAR8: parts labelled "binary" become base64, and FETCH BINARY gives their bytes as
// they came [RFC3516 6].  Without such a part the message stays as it is.
// REQUIRES: all of it has been written.
Task<Result<store::Incoming>> encode_binary(store::MailStore&, store::Incoming);

}  // namespace posthorn::imap
