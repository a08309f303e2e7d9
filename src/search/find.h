// Which messages contain a text: through the columns and the word index.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "message/search_text.h"
#include "search/column.h"
#include "store/account.h"

namespace posthorn::search {

// Both lists ascend; what is in neither does not contain the text.
struct Found {
  std::vector<std::uint32_t> hits;  // indexes of the view: they do
  std::vector<std::uint32_t> open;  // they must be looked at one by one
};

// [RFC3501 6.4.4] FROM, TO, CC, BCC, SUBJECT and HEADER with those names, among the entries [from, to).
// What is open was too long for the column, or has gone.  Costs time for every entry of the range: of a few messages look at
// the header instead.  REQUIRES: needle = text::casemap(..); text column.
Task<Result<Found>> find_in_field(store::AccountPtr, MailboxId, store::ViewPtr, Column field, std::string needle,
                                  std::uint32_t from, std::uint32_t to);

// BODY and TEXT, among the entries [from, to).  Open are entries that are not indexed (yet), and when the needle has other
// characters than letters and digits (a phrase), those that have all its words.
// REQUIRES: needle = text::casemap(..).
Task<Result<Found>> find_text(store::AccountPtr, MailboxId, store::ViewPtr, message::SearchScope, std::string needle,
                              std::uint32_t from, std::uint32_t to);

}  // namespace posthorn::search
