// What domains publish about MTA-STS: the record in the DNS and the policy on their web server. [RFC8461]  Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::delivery {

// [RFC8461 3.2]
struct StsPolicy {
  enum class Mode : std::uint8_t { enforce, testing, none };
  Mode mode = Mode::none;
  std::vector<std::string> mx;      // patterns, in lower case; at least one unless mode is none
  std::chrono::seconds max_age{0};  // from when it was fetched
  bool allows(std::string_view host) const;  // [RFC8461 4.1]
  std::vector<std::string> lines() const;    // as it is written, for reports [RFC8460 4.4]
  friend bool operator==(const StsPolicy&, const StsPolicy&) = default;
};
std::string_view to_string(StsPolicy::Mode);

struct StsLimits {
  static constexpr std::size_t kPolicy = 64 << 10;          // bytes [RFC8461 3.3]
  static constexpr std::size_t kPatterns = 500;             // further ones are an error: to drop them could stop mail
  static constexpr std::chrono::seconds kMaxAge{31557600};  // [RFC8461 3.2]; more counts as this
};

// [RFC8461 3.1] The id of the policy in force, from the TXT records of _mta-sts.DOMAIN.  Errc::not_found: there is no such record; syntax: there are
// several, or it is damaged: the domain counts as having none.
Result<std::string> sts_id(std::span<const std::string> records);

// [RFC8461 3.2] Tolerated: unknown fields, and repeated ones, of which the first counts.  Errc::syntax, too_large.
Result<StsPolicy> parse_sts_policy(std::string_view);

}  // namespace posthorn::delivery
