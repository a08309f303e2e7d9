#include "server/imap/mailbox_pattern.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view kInbox = "INBOX";

bool is_inbox_or_below(std::string_view name) {
  return text::istarts_with(name, kInbox) && (name.size() == kInbox.size() || name[kInbox.size()] == '/');
}

bool is_wildcard(char c) { return c == '*' || c == '%'; }

// "**%" is "*".
std::string with_runs_as_one(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (!out.empty() && is_wildcard(c) && is_wildcard(out.back())) out.back() = c == '*' || out.back() == '*' ? '*' : '%';
    else out += c;
  }
  return out;
}

// All places of the pattern that the name read so far can have led to are followed at once, so no pattern is worse than another.
MailboxPatterns::Outcome match_one(std::string_view name, std::string_view pattern) {
  if (pattern == "*") return {.matches = true};
  const std::size_t inbox = is_inbox_or_below(name) ? kInbox.size() : 0;
  thread_local std::vector<char> at;  // at[p]: pattern[0, p) can match the name so far
  at.assign(pattern.size() + 1, 0);
  std::size_t top = 0;                // the last of them
  const auto skip_wildcards = [&] {   // a wildcard may match nothing
    for (std::size_t p = 0; p <= top && p < pattern.size(); ++p) {
      if (!at[p] || !is_wildcard(pattern[p])) continue;
      at[p + 1] = 1;
      top = std::max(top, p + 1);
    }
  };
  at[0] = 1;
  skip_wildcards();
  for (std::size_t n = 0; n < name.size(); ++n) {
    bool alive = false;
    top = std::min(top + 1, pattern.size());
    for (std::size_t p = top + 1; p-- > 0;) {  // downwards: at[p - 1] is still of the character before
      const bool stays = p < pattern.size() && at[p] && (pattern[p] == '*' || (pattern[p] == '%' && name[n] != '/'));
      const bool comes = p > 0 && at[p - 1] && !is_wildcard(pattern[p - 1]) &&
                         (n < inbox ? text::to_lower(name[n]) == text::to_lower(pattern[p - 1]) : name[n] == pattern[p - 1]);
      at[p] = stays || comes;
      alive |= at[p] != 0;
    }
    // INBOX may begin so, and is compared in another way.
    if (!alive) return {.dead = text::istarts_with(kInbox, name.substr(0, n + 1)) ? MailboxPatterns::Outcome::kAlive : n + 1};
    skip_wildcards();
  }
  return {.matches = at[pattern.size()] != 0};
}

}  // namespace

bool matches_mailbox_pattern(std::string_view name, std::string_view pattern) { return match_one(name, with_runs_as_one(pattern)).matches; }

MailboxPatterns::MailboxPatterns(std::string_view reference, const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns)
    if (!pattern.empty()) patterns_.push_back(with_runs_as_one(std::string(reference) + pattern));
}

std::size_t MailboxPatterns::bytes() const {
  std::size_t sum = 0;
  for (const auto& pattern : patterns_) sum += pattern.size();
  return sum;
}

MailboxPatterns::Outcome MailboxPatterns::match(std::string_view name) const {
  Outcome all{.dead = 0};
  for (const auto& pattern : patterns_) {
    const auto one = match_one(name, pattern);
    if (one.matches) return one;
    all.dead = std::max(all.dead, one.dead);
  }
  return all;
}

}  // namespace posthorn::imap
