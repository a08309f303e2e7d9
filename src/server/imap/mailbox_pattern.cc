#include "server/imap/mailbox_pattern.h"

#include <vector>

#include "text/ascii.h"

namespace posthorn::imap {
namespace {

bool is_inbox_or_below(std::string_view name) {
  return text::istarts_with(name, "INBOX") && (name.size() == 5 || name[5] == '/');
}

bool is_wildcard(char c) { return c == '*' || c == '%'; }

}  // namespace

// All places of the pattern that the name read so far can have led to are followed at once, so no pattern is worse than another.
bool matches_mailbox_pattern(std::string_view name, std::string_view pattern) {
  const std::size_t inbox = is_inbox_or_below(name) ? 5 : 0;
  std::vector<char> at(pattern.size() + 1, 0);  // at[p]: pattern[0, p) can match the name so far
  const auto skip_wildcards = [&] {             // a wildcard may match nothing
    for (std::size_t p = 0; p < pattern.size(); ++p)
      if (at[p] && is_wildcard(pattern[p])) at[p + 1] = 1;
  };
  at[0] = 1;
  skip_wildcards();
  for (std::size_t n = 0; n < name.size(); ++n) {
    bool alive = false;
    for (std::size_t p = pattern.size() + 1; p-- > 0;) {  // downwards: at[p - 1] is still of the character before
      const bool stays = p < pattern.size() && at[p] && (pattern[p] == '*' || (pattern[p] == '%' && name[n] != '/'));
      const bool comes = p > 0 && at[p - 1] && !is_wildcard(pattern[p - 1]) &&
                         (n < inbox ? text::to_lower(name[n]) == text::to_lower(pattern[p - 1]) : name[n] == pattern[p - 1]);
      at[p] = stays || comes;
      alive |= at[p] != 0;
    }
    if (!alive) return false;
    skip_wildcards();
  }
  return at[pattern.size()] != 0;
}

}  // namespace posthorn::imap
