// Rights as SMAP writes them. [SMAP1 11]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/rights.h"

namespace posthorn::smap {

// Those that have a letter here: all but p.
inline constexpr store::Rights kSmapRights = store::kAllRights - store::kPost;

// "aceilrstwx", as far as they are there; c and x mean one right each, other than in IMAP.
std::string rights_text(store::Rights);
// The letter of the first of them; '?' for none.
char letter_of(store::Rights);

// "lr" instead of what is there, "+lr" more, "-lr" less; nothing: nothing any more.
struct RightsChange {
  enum class Action { replace, add, remove } action = Action::replace;
  store::Rights rights = {};
};
// nullopt: a letter that is none.
std::optional<RightsChange> parse_rights_change(std::string_view word);
std::string sign_of(RightsChange::Action);

}  // namespace posthorn::smap
