// The patterns of LIST and LSUB. [RFC3501 6.3.8]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::imap {

// `*` is any run of characters, `%` any run without '/'.  INBOX as the first level is compared without regard to case.
bool matches_mailbox_pattern(std::string_view name, std::string_view pattern);

// One or more of them, followed all at once: no pattern is worse than another, and the longest there may be cost a name of 1,000 bytes
// some 130,000 steps.
class MailboxPatterns {
 public:
  static constexpr std::size_t kMaxBytes = 8 * 1024;  // of all together, each with the reference

  // [RFC5258 3] Each behind the reference; empty ones are passed over.  limit: more than kMaxBytes.
  static Result<MailboxPatterns> make(std::string_view reference, const std::vector<std::string>& patterns);

  struct Outcome {
    static constexpr std::size_t kAlive = std::string_view::npos;
    bool matches = false;
    std::size_t dead = kAlive;  // no name that begins with the first `dead` bytes of this one matches: a walk may skip them
  };
  Outcome match(std::string_view name) const { return follow(name, nullptr); }
  bool matches(std::string_view name) const { return match(name).matches; }
  // Which of "a" and "a/b" match, too, for "a/b/c": `parents` gets their lengths, ascending.
  Outcome match(std::string_view name, std::vector<std::size_t>& parents) const;
  bool empty() const { return words_ == 0; }

 private:
  using Bits = std::vector<std::uint64_t>;  // a bit for each place in each pattern: before its first byte, its second, ..., its end
  MailboxPatterns() = default;
  void add(std::string_view pattern, std::size_t& place, std::vector<std::pair<std::size_t, unsigned char>>& bytes);
  Outcome follow(std::string_view name, std::vector<std::size_t>* parents) const;
  const std::uint64_t* places_before(char c) const { return &steps_[row_of_[static_cast<unsigned char>(c)] * words_]; }

  std::size_t words_ = 0;  // of each Bits
  Bits begins_, ends_;     // the first and the last places of patterns
  Bits stars_;             // where a `*` stands; anything may come there
  Bits stays_;             // where a wildcard stands
  Bits steps_;             // for each byte that occurs: the places before it; the first row is of the others
  std::array<std::uint16_t, 256> row_of_{};
};

}  // namespace posthorn::imap
