// Flags and keywords. [RFC3501 2.3.2]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::imap {

enum class SystemFlag : std::uint8_t {
  seen = 1,
  answered = 2,
  flagged = 4,
  deleted = 8,
  draft = 16,
  recent = 32,  // only ever told to the client
};

struct FlagList {
  std::uint8_t system = 0;            // bits of SystemFlag
  std::vector<std::string> keywords;  // as spelled, in order, each once (compared without case)

  bool has(SystemFlag f) const { return system & static_cast<std::uint8_t>(f); }
  void set(SystemFlag f) { system |= static_cast<std::uint8_t>(f); }
  bool empty() const { return system == 0 && keywords.empty(); }
  friend bool operator==(const FlagList&, const FlagList&) = default;
};

std::string_view to_string(SystemFlag);                        // "\\Seen"
std::optional<SystemFlag> find_system_flag(std::string_view);  // any case, with the backslash
bool is_keyword(std::string_view);                             // an atom [RFC3501 9] flag-keyword

// Special uses of mailboxes. [RFC6154 2], \Important of [RFC8457]
enum class SpecialUse : std::uint8_t {
  all = 1,
  archive = 2,
  drafts = 4,
  flagged = 8,
  junk = 16,
  sent = 32,
  trash = 64,
  important = 128
};
std::string_view to_string(SpecialUse);                        // "\\Sent"
std::optional<SpecialUse> find_special_use(std::string_view);  // any case, with the backslash

}  // namespace posthorn::imap
