// What an operator may say about waiting.
#pragma once

#include <chrono>

#include "base/settings.h"

namespace posthorn::queue {

inline const Setting<std::chrono::seconds> kLifetime{
    "queue.lifetime", std::chrono::hours(120), std::chrono::minutes(1), std::chrono::hours(1440),
    "A message that could not be sent for this long goes back to its sender."};  // [RFC5321 4.5.4.1]
inline const Setting<std::chrono::seconds> kRetryFirst{
    "queue.retry_first", std::chrono::minutes(3), std::chrono::seconds(1), std::chrono::hours(24),
    "The time between the first attempt and the second; it doubles with each further one."};
inline const Setting<std::chrono::seconds> kRetryMax{
    "queue.retry_max", std::chrono::hours(2), std::chrono::seconds(1), std::chrono::hours(24), "The longest time between two attempts."};
inline const Setting<std::chrono::seconds> kDelayWarning{
    "queue.delay_warning", std::chrono::hours(4), std::chrono::seconds(0), std::chrono::hours(1440),
    "A sender is told once when his message has waited this long and is still being tried; 0: never."};
inline const Setting<std::int64_t> kInMemory{
    "queue.in_memory", 50'000, 1000, 10'000'000,
    "How many groups of recipients that are due may be in memory, about 300 bytes each; the others wait on disk."};

}  // namespace posthorn::queue
