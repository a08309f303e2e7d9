// Where what is known about the TLS of other domains is kept: docs/formats/outward.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/store.h"

namespace posthorn::delivery {

// Rows that may be erased at any time, like those of the trace; they share its space, in another partition.
inline constexpr auto kOutwardSpace = kv::Space::trace;
inline constexpr std::uint64_t kOutwardPartition = 1;

// MTA-STS policies, by domain.
inline std::string sts_key(std::string_view domain) { return "s" + std::string(domain); }
inline std::string sts_end() { return "t"; }
// Sessions for TLS reports, by period and domain.
inline constexpr char kReportRow = 'r';

}  // namespace posthorn::delivery
