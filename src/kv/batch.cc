#include "kv/store.h"

namespace posthorn::kv {

void Batch::put(Space space, std::uint64_t partition, std::string key, std::string value) {
  bytes_ += key.size() + value.size();
  ops_.push_back({Kind::put, space, partition, std::move(key), std::move(value)});
}

void Batch::erase(Space space, std::uint64_t partition, std::string key) {
  bytes_ += key.size();
  ops_.push_back({Kind::erase, space, partition, std::move(key), {}});
}

void Batch::erase_range(Space space, std::uint64_t partition, std::string from, std::string to) {
  bytes_ += from.size() + to.size();
  ops_.push_back({Kind::erase_range, space, partition, std::move(from), std::move(to)});
}

void Batch::append(Batch&& other) {
  bytes_ += other.bytes_;
  waits_ = waits_ && other.waits_;
  ops_.insert(ops_.end(), std::make_move_iterator(other.ops_.begin()), std::make_move_iterator(other.ops_.end()));
  other = {};
}

}  // namespace posthorn::kv
