#include "store/rights.h"

namespace posthorn::store {
namespace {

struct Letter {
  char letter;
  Rights rights;
};
// In the order in which they are written.
constexpr Letter kLetters[] = {{'l', kLookup},        {'r', kRead},           {'s', kKeepSeen}, {'w', kWrite},
                               {'i', kInsert},        {'p', kPost},           {'k', kCreate},   {'x', kDeleteMailbox},
                               {'t', kDeleteMessages}, {'e', kExpunge},        {'a', kAdminister}};
// [RFC4314 2.1.1] The rights of RFC 2086.
constexpr Letter kObsolete[] = {{'c', kCreate | kDeleteMailbox}, {'d', kExpunge | kDeleteMessages}};

}  // namespace

Result<Rights> Rights::parse(std::string_view letters) {
  Rights out;
  for (char c : letters) {
    Rights meant;
    for (const auto& l : kLetters)
      if (l.letter == c) meant = l.rights;
    for (const auto& l : kObsolete)
      if (l.letter == c) meant = l.rights;
    if (meant.empty()) return fail(Errc::invalid, "there is no such right");
    out = out | meant;
  }
  return out;
}

std::string Rights::text() const {
  std::string out;
  for (const auto& l : kLetters)
    if (contains(l.rights)) out.push_back(l.letter);
  for (const auto& l : kObsolete)
    if (!(*this & l.rights).empty()) out.push_back(l.letter);
  return out;
}

}  // namespace posthorn::store
