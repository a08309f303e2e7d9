#include "server/imap/mailbox_pattern.h"

#include <algorithm>
#include <utility>

#include "text/ascii.h"
#include "text/normalize.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view kInbox = "INBOX";
constexpr std::size_t kWordBits = 64;

bool is_inbox_or_below(std::string_view name) {
  return text::istarts_with(name, kInbox) && (name.size() == kInbox.size() || name[kInbox.size()] == '/');
}

char in_other_case(char c) { return text::to_lower(c) == c ? text::to_upper(c) : text::to_lower(c); }

void set(std::vector<std::uint64_t>& bits, std::size_t place) { bits[place / kWordBits] |= std::uint64_t{1} << place % kWordBits; }

}  // namespace

// A wildcard is no place of its own: at the place where it stands other bytes may come before the next one of the pattern.
void MailboxPatterns::add(std::string_view pattern, std::size_t& place, std::vector<std::pair<std::size_t, unsigned char>>& bytes) {
  set(begins_, place);
  for (const char c : pattern) {
    if (c == '*') set(stars_, place);
    if (c == '*' || c == '%') set(stays_, place);
    else bytes.emplace_back(place++, static_cast<unsigned char>(c));
  }
  set(ends_, place++);
}

Result<MailboxPatterns> MailboxPatterns::make(std::string_view reference, const std::vector<std::string>& patterns) {
  std::vector<std::string> whole;
  std::size_t size = 0;
  for (const auto& pattern : patterns) {
    if (pattern.empty()) continue;
    const auto too_long = fail(Errc::limit, "the patterns are too long");
    if (reference.size() + pattern.size() > kMaxBytes) return too_long;
    whole.push_back(text::nfc(std::string(reference) + pattern));
    size += whole.back().size();
    if (size > kMaxBytes) return too_long;
  }
  const std::size_t count = whole.size();
  MailboxPatterns out;
  out.words_ = (size + count + kWordBits - 1) / kWordBits;
  for (Bits* bits : {&out.begins_, &out.ends_, &out.stars_, &out.stays_}) bits->assign(out.words_, 0);
  std::size_t place = 0;
  std::vector<std::pair<std::size_t, unsigned char>> bytes;  // by place
  for (const auto& pattern : whole) out.add(pattern, place, bytes);
  std::uint16_t rows = 1;
  for (const auto& [at, byte] : bytes)
    if (out.row_of_[byte] == 0) out.row_of_[byte] = rows++;
  out.steps_.assign(rows * out.words_, 0);
  for (const auto& [at, byte] : bytes) out.steps_[out.row_of_[byte] * out.words_ + at / kWordBits] |= std::uint64_t{1} << at % kWordBits;
  return out;
}

MailboxPatterns::Outcome MailboxPatterns::match(std::string_view name, std::vector<std::size_t>& parents) const {
  parents.clear();
  return follow(name, &parents);
}

MailboxPatterns::Outcome MailboxPatterns::follow(std::string_view name, std::vector<std::size_t>* parents) const {
  if (empty()) return {.dead = 0};
  const std::size_t inbox = is_inbox_or_below(name) ? kInbox.size() : 0;
  thread_local Bits at;  // the places that the name read so far can have led to
  at = begins_;
  const auto any = [&](const Bits& of) {
    std::uint64_t found = 0;
    for (std::size_t w = 0; w < words_; ++w) found |= at[w] & of[w];
    return found != 0;
  };
  for (std::size_t n = 0; n < name.size(); ++n) {
    const char c = name[n];
    if (c == '/' && parents && n > 0 && any(ends_)) parents->push_back(n);
    const auto* before = places_before(c);
    const auto* or_before = n < inbox ? places_before(in_other_case(c)) : steps_.data();  // the first row has none
    const auto& stays = c == '/' ? stars_ : stays_;
    std::uint64_t carry = 0, alive = 0, certain = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      const auto steps = at[w] & (before[w] | or_before[w]);
      at[w] = steps << 1 | carry | (at[w] & stays[w]);
      carry = steps >> (kWordBits - 1);
      alive |= at[w];
      certain |= at[w] & ends_[w] & stars_[w];
    }
    // INBOX may begin so, and is compared in another way.
    if (!alive) return {.dead = text::istarts_with(kInbox, name.substr(0, n + 1)) ? Outcome::kAlive : n + 1};
    if (certain && !parents) return {.matches = true};
  }
  return {.matches = any(ends_)};
}

bool matches_mailbox_pattern(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  const auto patterns = MailboxPatterns::make({}, {std::string(pattern)});
  return patterns && patterns->matches(name);
}

}  // namespace posthorn::imap
