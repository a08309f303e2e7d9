// The patterns of LIST and LSUB. [RFC3501 6.3.8]
#pragma once

#include <string_view>

namespace posthorn::imap {

// `*` is any run of characters, `%` any run without '/'.  INBOX as the first level is compared without regard to case.
// Time is O(name x pattern).
bool matches_mailbox_pattern(std::string_view name, std::string_view pattern);

}  // namespace posthorn::imap
