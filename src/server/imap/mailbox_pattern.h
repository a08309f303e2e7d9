// The patterns of LIST and LSUB. [RFC3501 6.3.8]
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::imap {

// `*` is any run of characters, `%` any run without '/'.  INBOX as the first level is compared without regard to case.
// Time is O(name x the shorter of name and pattern).
bool matches_mailbox_pattern(std::string_view name, std::string_view pattern);

// One or more of them.
class MailboxPatterns {
 public:
  static constexpr std::size_t kMaxBytes = 8 * 1024;  // of all together; the caller refuses more

  // [RFC5258 3] Each behind the reference; empty ones are passed over.
  MailboxPatterns(std::string_view reference, const std::vector<std::string>& patterns);

  struct Outcome {
    static constexpr std::size_t kAlive = std::string_view::npos;
    bool matches = false;
    std::size_t dead = kAlive;  // no name that begins with the first `dead` bytes of this one matches: a walk may skip them
  };
  Outcome match(std::string_view name) const;
  bool matches(std::string_view name) const { return match(name).matches; }
  bool empty() const { return patterns_.empty(); }
  std::size_t bytes() const;

 private:
  std::vector<std::string> patterns_;  // runs of wildcards are one
};

}  // namespace posthorn::imap
