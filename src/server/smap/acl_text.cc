#include "server/smap/acl_text.h"

#include <algorithm>
#include <utility>

namespace posthorn::smap {
namespace {

// In the order they are told.
constexpr std::pair<char, store::Rights> kLetters[] = {
    {'a', store::kAdminister}, {'c', store::kCreate},   {'e', store::kExpunge},        {'i', store::kInsert}, {'l', store::kLookup},
    {'r', store::kRead},       {'s', store::kKeepSeen}, {'t', store::kDeleteMessages}, {'w', store::kWrite},  {'x', store::kDeleteMailbox},
};

}  // namespace

std::string rights_text(store::Rights rights) {
  std::string out;
  for (const auto& [letter, right] : kLetters)
    if (rights.contains(right)) out += letter;
  return out;
}

char letter_of(store::Rights rights) {
  const auto text = rights_text(rights);
  return text.empty() ? '?' : text.front();
}

std::optional<RightsChange> parse_rights_change(std::string_view word) {
  RightsChange change;
  if (word.starts_with('+')) change.action = RightsChange::Action::add;
  if (word.starts_with('-')) change.action = RightsChange::Action::remove;
  if (change.action != RightsChange::Action::replace) word.remove_prefix(1);
  for (const char c : word) {
    const auto* known = std::ranges::find(kLetters, c, &std::pair<char, store::Rights>::first);
    if (known == std::end(kLetters)) return {};
    change.rights = change.rights | known->second;
  }
  return change;
}

std::string sign_of(RightsChange::Action action) {
  switch (action) {
    case RightsChange::Action::replace: return "";
    case RightsChange::Action::add: return "+";
    case RightsChange::Action::remove: return "-";
  }
  return "";
}

}  // namespace posthorn::smap
