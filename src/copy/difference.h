// What of a folder is not at the target yet.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "copy/mail_place.h"

namespace posthorn::copy {

struct Difference {
  std::vector<std::size_t> missing;                          // of the source, ascending
  std::vector<std::pair<std::size_t, std::size_t>> same;     // the source's, the target's
  std::vector<std::size_t> gone;                             // by UID only: had been there (or was refused) and is not any more
};

// The UIDs are the same at both: `uid_next` is the target's.
Difference difference_by_uid(const std::vector<MessageInfo>& source, const std::vector<MessageInfo>& target, std::uint32_t uid_next);

// By what identifies a message: first those with the same fields and size; then those with the same fields and date, for a server may count
// octets otherwise, or write messages anew (without dates: the same fields).  What has no fields is the same as nothing else.  Of k copies at
// the source and n at the target k - n are missing, never less than none.
Difference difference_by_fields(const std::vector<MessageInfo>& source, const std::vector<MessageInfo>& target);

}  // namespace posthorn::copy
