#include "blob/recent.h"

#include <utility>

namespace posthorn::blob {
namespace {

constexpr std::size_t kOverhead = 128;  // bytes, about, for each besides its own

std::size_t cost(const std::string& bytes) { return bytes.capacity() + kOverhead; }

}  // namespace

void RecentBlobs::set_budget(std::size_t bytes) {
  std::lock_guard hold(mutex_);
  budget_ = bytes;
  trim();
}

void RecentBlobs::put(MessageId id, std::string&& bytes) {
  std::lock_guard hold(mutex_);
  if (bytes.size() + kOverhead > budget_ / 16) return;
  if (bytes.capacity() > bytes.size() + bytes.size() / 4) bytes.shrink_to_fit();
  const auto [at, is_new] = blobs_.try_emplace(id.value(), std::make_shared<const std::string>(std::move(bytes)));
  if (!is_new) return;
  used_ += cost(*at->second);
  order_.push_back(id);
  trim();
}

void RecentBlobs::erase(MessageId id) {
  std::lock_guard hold(mutex_);
  const auto found = blobs_.find(id.value());
  if (found == blobs_.end()) return;
  used_ -= cost(*found->second);
  blobs_.erase(found);
  if (order_.size() > 2 * blobs_.size() + 1000) std::erase_if(order_, [this](MessageId other) { return !blobs_.contains(other.value()); });
  trim();
}

RecentBlobs::Bytes RecentBlobs::find(MessageId id) const {
  std::lock_guard hold(mutex_);
  const auto found = blobs_.find(id.value());
  return found == blobs_.end() ? nullptr : found->second;
}

void RecentBlobs::trim() {
  while (!order_.empty()) {
    const auto found = blobs_.find(order_.front().value());
    if (found != blobs_.end()) {
      if (used_ <= budget_) return;
      used_ -= cost(*found->second);
      blobs_.erase(found);
    }
    order_.pop_front();
  }
}

}  // namespace posthorn::blob
