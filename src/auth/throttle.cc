#include "auth/throttle.h"

#include <algorithm>
#include <cmath>

namespace posthorn::auth {
namespace {

// An IPv6 client has a /64 at its disposal: that is the address.  The text is numeric, as from inet_ntop.
std::string network_of(const std::string& ip) {
  if (ip.find(':') == std::string::npos) return ip;
  const auto gap = ip.find("::");
  std::size_t end = 0;
  for (int groups = 0; groups < 4; ++groups) {
    if (end == gap) return ip.substr(0, gap);  // zeros follow
    end = ip.find(':', end + (groups > 0 ? 1 : 0));
    if (end == std::string::npos) return ip;
  }
  return ip.substr(0, end);
}

}  // namespace

Throttle::Throttle() : levels_(kThrottleEntries.get()), known_(kThrottleEntries.get()) {}

// What has not been forgotten yet: a bucket that leaks `limit` failures in one window.
double Throttle::failures_now(const std::string& key, std::int64_t limit) {
  const auto* level = levels_.find(key);
  if (!level) return 0;
  const std::chrono::duration<double> elapsed = steady_now() - level->when;
  const double leak = static_cast<double>(std::max<std::int64_t>(limit, 10)) / static_cast<double>(kFailureWindow.get().count());
  return std::max(0.0, level->failures - elapsed.count() * leak);
}

bool Throttle::over(const std::string& key, std::int64_t limit) {
  return limit > 0 && failures_now(key, limit) > static_cast<double>(limit) - 1;
}

bool Throttle::limited(const std::string& account, const std::string& peer_ip) {
  const std::string network = network_of(peer_ip);
  std::lock_guard hold(mutex_);
  if (!network.empty() && over("p" + network, kMaxFailuresPerAddress.get())) return true;
  if (!over("a" + account, kMaxFailuresPerAccount.get())) return false;
  return known_.find(account + '\0' + network) == nullptr;
}

std::chrono::milliseconds Throttle::failed(const std::string& account, const std::string& peer_ip) {
  const std::string network = network_of(peer_ip);
  std::lock_guard hold(mutex_);
  double most = 0;
  const auto count = [&](std::string key, std::int64_t limit) {
    const double failures = failures_now(key, limit) + 1;
    levels_.put(std::move(key), Level{failures, steady_now()});
    most = std::max(most, failures);
  };
  count("a" + account, kMaxFailuresPerAccount.get());
  if (!network.empty()) count("p" + network, kMaxFailuresPerAddress.get());
  // Not in whole steps: a moment after the first guess a little of it is forgotten already, and the second one must not count as the first.
  const double factor = std::exp2(std::clamp(most - 1, 0.0, 30.0));
  const double delay = static_cast<double>(kFailureDelay.get().count()) * factor;
  return std::chrono::milliseconds(std::llround(std::min(delay, static_cast<double>(kFailureDelayMax.get().count()))));
}

void Throttle::succeeded(const std::string& account, const std::string& peer_ip) {
  std::lock_guard hold(mutex_);
  known_.put(account + '\0' + network_of(peer_ip), {});
}

std::size_t Throttle::size() const {
  std::lock_guard hold(mutex_);
  return levels_.size() + known_.size();
}

}  // namespace posthorn::auth
