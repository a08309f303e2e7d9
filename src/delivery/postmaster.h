// The mailbox that what this server writes comes from.
#pragma once

#include <string>

#include "auth/directory.h"

namespace posthorn::delivery {

// delivery.postmaster; without it postmaster at our host name, if that is a domain of ours, or at the first of those.
std::string postmaster_of(auth::Directory&, const std::string& hostname);

}  // namespace posthorn::delivery
