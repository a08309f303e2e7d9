#include "store/change_hub.h"

#include <utility>

namespace posthorn::store {

ChangeHub::Watch::Watch(Watch&& other) noexcept
    : hub_(std::exchange(other.hub_, nullptr)), account_(other.account_), position_(other.position_) {}

ChangeHub::Watch& ChangeHub::Watch::operator=(Watch&& other) noexcept {
  std::swap(hub_, other.hub_);
  std::swap(account_, other.account_);
  std::swap(position_, other.position_);
  return *this;
}

ChangeHub::Watch::~Watch() {
  if (!hub_) return;
  Shard& shard = hub_->shard(account_);
  std::lock_guard hold(shard.mutex);
  auto watchers = shard.watchers.find(account_);
  watchers->second.erase(position_);
  if (watchers->second.empty()) shard.watchers.erase(watchers);
}

ChangeHub::Watch ChangeHub::watch(AccountId account, OnChange on_change) {
  Shard& s = shard(account);
  std::lock_guard hold(s.mutex);
  auto& list = s.watchers[account];
  list.push_back(std::move(on_change));
  Watch watch;
  watch.hub_ = this;
  watch.account_ = account;
  watch.position_ = std::prev(list.end());
  return watch;
}

void ChangeHub::publish(AccountId account, ModSeq mod_seq) {
  Shard& s = shard(account);
  std::lock_guard hold(s.mutex);
  auto watchers = s.watchers.find(account);
  if (watchers == s.watchers.end()) return;
  for (const auto& on_change : watchers->second) on_change(mod_seq);
}

}  // namespace posthorn::store
