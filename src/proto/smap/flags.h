// Flags and keywords of messages in lists with commas. [SMAP1 6.1]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smap {

// The bits are those of the store.
enum Flag : std::uint8_t { kSeen = 1, kReplied = 2, kMarked = 4, kDeleted = 8, kDraft = 16 };
inline constexpr std::uint8_t kAllFlags = kSeen | kReplied | kMarked | kDeleted | kDraft;

// Names in any case; those that are not known are passed over.
std::uint8_t parse_flag_list(std::string_view list);
// "DRAFT,MARKED,REPLIED,SEEN,DELETED", as far as they are set.
void put_flag_list(std::string& out, std::uint8_t flags);

// In the form in which they are stored.  syntax: a control character, no UTF-8, or longer than kMaxKeyword in that form.
// Empty names between commas are passed over.
inline constexpr std::size_t kMaxKeyword = 255;  // IMAP takes none that is longer
Result<std::vector<std::string>> parse_keyword_list(std::string_view list);

// [SMAP1 15] A keyword is free text, and those that are stored are atoms, for IMAP to show them.  What is no atom is stored with "$SMAP-" before
// it and "=XX" for each byte that an atom cannot have: "two words" as "$SMAP-two=20words".
std::string stored_keyword(std::string_view keyword);
// The other way round: shown_keyword(stored_keyword(x)) is x, and stored_keyword(shown_keyword(y)) is y, whatever atom IMAP has made.
std::string shown_keyword(std::string_view stored);

}  // namespace posthorn::smap
