#include "server/pop3/other_sessions.h"

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "auth/lru_map.h"
#include "base/clock.h"

namespace posthorn::pop3 {
namespace {

// A process may have several stores (in tests), whose accounts have the same ids.
using Key = std::pair<const store::MailStore*, AccountId>;

struct Known {
  std::mutex mutex;
  std::set<Key> locked;
  auth::LruMap<SteadyTime> signed_in{100'000};
};

Known& known() {
  static auto* const all = new Known;  // never freed: sessions may end late
  return *all;
}

std::string text_of(const Key& key) {
  return std::to_string(reinterpret_cast<std::uintptr_t>(key.first)) + ' ' + std::to_string(key.second.value());
}

}  // namespace

std::optional<MaildropLock> MaildropLock::try_take(const store::MailStore& store, AccountId account) {
  std::lock_guard hold(known().mutex);
  if (!known().locked.insert({&store, account}).second) return std::nullopt;
  return MaildropLock(&store, account);
}

MaildropLock::MaildropLock(MaildropLock&& other) noexcept : store_(std::exchange(other.store_, nullptr)), account_(other.account_) {}

MaildropLock::~MaildropLock() {
  if (!store_) return;
  std::lock_guard hold(known().mutex);
  known().locked.erase({store_, account_});
}

std::chrono::seconds claim_sign_in(const store::MailStore& store, AccountId account, std::chrono::seconds delay) {
  if (delay.count() == 0) return delay;
  const auto key = text_of({&store, account});
  std::lock_guard hold(known().mutex);
  const auto now = steady_now();
  if (const auto* last = known().signed_in.find(key); last && now < *last + delay) return std::chrono::ceil<std::chrono::seconds>(*last + delay - now);
  known().signed_in.put(key, now);
  return {};
}

void forget_sign_in(const store::MailStore& store, AccountId account) {
  std::lock_guard hold(known().mutex);
  known().signed_in.erase(text_of({&store, account}));
}

}  // namespace posthorn::pop3
