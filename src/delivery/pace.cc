#include "delivery/pace.h"

#include <algorithm>

#include "delivery/settings.h"
#include "queue/retry.h"

namespace posthorn::delivery {
namespace {

PaceRules rules_from_settings() {
  PaceRules rules;
  rules.max = static_cast<std::uint32_t>(kMaxConcurrency.get());
  rules.first = std::min(rules.max, static_cast<std::uint32_t>(kFirstConcurrency.get()));
  return rules;
}

queue::Limits default_limits() { return Pace(rules_from_settings()).limits(); }

}  // namespace

queue::Limits Pace::limits() const {
  return {.concurrency = is_dead() ? 1 : static_cast<std::uint32_t>(width_), .not_before = not_before_};
}

void Pace::succeeded(SteadyTime now) {
  last_success_ = now;
  if (is_dead()) {
    failures_ = 0;
    width_ = std::min<double>(2, rules_.max);
    changed_ = now;
    not_before_ = {};
  }
  if (now < grows_from_) return;
  refusals_ = 0;
  width_ = std::min<double>(rules_.max, width_ + 1 / width_);
}

void Pace::slowed(SteadyTime began, SteadyTime now) {
  if (began < changed_ || is_dead()) return;
  changed_ = now;
  width_ = std::max(1.0, width_ / 2);
  const auto pause = std::min(rules_.max_pause, rules_.pause * (1 << std::min(refusals_, 16U)));
  ++refusals_;
  not_before_ = now + pause;
  grows_from_ = not_before_ + rules_.calm;
}

void Pace::unreachable(SteadyTime began, SteadyTime now, std::chrono::milliseconds pause) {
  // Others got through meanwhile: it is slow, not dead.
  if (last_success_ != SteadyTime{} && last_success_ >= began) return slowed(began, now);
  if (began < changed_) return;
  changed_ = now;
  ++failures_;
  width_ = 1;
  not_before_ = now + pause;
}

bool Pace::is_fresh(SteadyTime now) const { return !is_dead() && refusals_ == 0 && width_ >= rules_.first && now >= not_before_; }

Pace& Paces::find(const std::string& destination) {
  if (paces_.size() >= kMax && !paces_.contains(destination)) forget_some(steady_now());
  return paces_.try_emplace(destination, rules_from_settings()).first->second;
}

void Paces::forget_some(SteadyTime now) {
  std::erase_if(paces_, [&](const auto& p) { return p.second.is_fresh(now); });
  // Still too many: any of them; they are learnt anew.
  while (paces_.size() >= kMax - kMax / 16) paces_.erase(paces_.begin());
}

queue::Limits Paces::limits(const std::string& destination) const {
  std::lock_guard hold(mutex_);
  const auto found = paces_.find(destination);
  return found == paces_.end() ? default_limits() : found->second.limits();
}

bool Paces::is_dead(const std::string& destination) const {
  std::lock_guard hold(mutex_);
  const auto found = paces_.find(destination);
  return found != paces_.end() && found->second.is_dead();
}

queue::Limits Paces::succeeded(const std::string& destination) {
  std::lock_guard hold(mutex_);
  Pace& pace = find(destination);
  pace.succeeded(steady_now());
  return pace.limits();
}

queue::Limits Paces::slowed(const std::string& destination, SteadyTime began) {
  std::lock_guard hold(mutex_);
  Pace& pace = find(destination);
  pace.slowed(began, steady_now());
  return pace.limits();
}

queue::Limits Paces::unreachable(const std::string& destination, SteadyTime began, const queue::RetryPolicy& policy, double random) {
  std::lock_guard hold(mutex_);
  Pace& pace = find(destination);
  pace.unreachable(began, steady_now(), queue::step(policy, pace.failures() + 1, random));
  return pace.limits();
}

}  // namespace posthorn::delivery
