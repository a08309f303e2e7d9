#include "queue/retry.h"

#include <algorithm>

#include "queue/settings.h"

namespace posthorn::queue {
namespace {

using Time = RetryPolicy::Time;
constexpr double kSpread = 0.2;
constexpr Time kLeast = std::chrono::seconds(1);

Time middle_step(const RetryPolicy& policy, std::uint32_t failures) {
  Time t = std::min(policy.first, policy.max);
  for (std::uint32_t i = 1; i < failures && t < policy.max; ++i) t = std::min(2 * t, policy.max);
  return t;
}

// As many attempts as the schedule makes within the lifetime for the unluckiest message: more cannot be asked for.
std::uint32_t attempts_needed(const RetryPolicy& policy) {
  double waited = 0;
  for (std::uint32_t attempts = 1; attempts < kAttemptsBeforeExpiry; ++attempts) {
    if (waited >= static_cast<double>(policy.lifetime.count())) return attempts;
    waited += static_cast<double>(middle_step(policy, attempts).count()) * (1 + kSpread);
  }
  return kAttemptsBeforeExpiry;
}

}  // namespace

RetryPolicy RetryPolicy::from_settings() {
  return {.first = kRetryFirst.get(), .max = kRetryMax.get(), .lifetime = kLifetime.get(), .delay_warning = kDelayWarning.get()};
}

RetryPolicy RetryOverrides::over(RetryPolicy policy) const {
  policy.first = first.value_or(policy.first);
  policy.max = max.value_or(policy.max);
  policy.lifetime = lifetime.value_or(policy.lifetime);
  policy.delay_warning = delay_warning.value_or(policy.delay_warning);
  return policy;
}

Time step(const RetryPolicy& policy, std::uint32_t failures, double random) {
  const double factor = 1 - kSpread + 2 * kSpread * std::clamp(random, 0.0, 1.0);
  const auto spread = static_cast<double>(middle_step(policy, failures).count()) * factor;
  return std::max(kLeast, Time(static_cast<Time::rep>(spread)));
}

Decision decide(const RetryPolicy& policy, const Entry& entry, std::uint32_t attempts, SysTime now, double random) {
  const SysTime born = std::min(entry.born(), now);
  const SysTime expires = born + policy.lifetime;
  const auto& by = entry.options.deliver_by;
  const bool late = by && now >= by->by;
  if (late && by->return_if_late) return {.what = Decision::What::expire};
  if (now >= expires && attempts >= attempts_needed(policy)) return {.what = Decision::What::expire};

  Decision decision;
  decision.next = now + step(policy, attempts, random);
  if (now < expires) decision.next = std::min(decision.next, expires);
  if (by && !late) decision.next = std::min(decision.next, by->by);
  decision.next = std::max(decision.next, now + kLeast);
  decision.warn = late || (policy.delay_warning > Time::zero() && now - born >= policy.delay_warning);
  return decision;
}

}  // namespace posthorn::queue
