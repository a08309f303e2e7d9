// Flags and keywords of messages in lists with commas. [SMAP1 6.1]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smap {

// The bits are those of the store.
enum Flag : std::uint8_t { kSeen = 1, kReplied = 2, kMarked = 4, kDeleted = 8, kDraft = 16 };

// Names in any case; those that are not known are passed over.
std::uint8_t parse_flag_list(std::string_view list);
// "DRAFT,MARKED,REPLIED,SEEN,DELETED", as far as they are set.
void put_flag_list(std::string& out, std::uint8_t flags);

// syntax: a control character or no UTF-8.  unsupported: a keyword that IMAP could not show, since it is no atom [SMAP1 15].
// Empty names between commas are passed over.
Result<std::vector<std::string>> parse_keyword_list(std::string_view list);

}  // namespace posthorn::smap
