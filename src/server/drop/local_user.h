// Who has left a file.
#pragma once

#include <pwd.h>
#include <sys/types.h>

#include <cstddef>

#include "base/result.h"
#include "server/drop/sender_policy.h"

namespace posthorn::drop {

// getpwuid_r(), or a test's.
using FindUser = int (*)(uid_t, passwd*, char*, std::size_t, passwd**);

// A user whom the system does not know is "user" and his number.  Blocking.  Errors: busy: the system cannot
// tell now (its directory service does not answer): nobody may be taken for unknown for that.
Result<LocalUser> local_user(uid_t, FindUser = ::getpwuid_r);

}  // namespace posthorn::drop
