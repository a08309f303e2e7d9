// A map that forgets what was not used for longest, within a budget.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace posthorn::auth {

// Threads: none of its own; the owner locks.
// INVARIANT 1: the costs of all entries together are at most the budget (one entry that is larger is not kept).
template <class V>
class LruMap {
 public:
  explicit LruMap(std::size_t budget) : budget_(budget) {}

  // Null when absent; valid until the next change.
  V* find(std::string_view key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return &it->second->value;
  }
  void put(std::string key, V value, std::size_t cost = 1) {
    erase(key);
    if (cost > budget_) return;
    order_.push_front(Node{std::move(key), std::move(value), cost});
    index_.emplace(order_.front().key, order_.begin());
    used_ += cost;
    trim();
  }
  void erase(std::string_view key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return;
    const auto node = it->second;
    index_.erase(it);
    used_ -= node->cost;
    order_.erase(node);
  }
  void set_budget(std::size_t budget) {
    budget_ = budget;
    trim();
  }
  void clear() {
    index_.clear();
    order_.clear();
    used_ = 0;
  }
  std::size_t size() const { return index_.size(); }
  std::size_t used() const { return used_; }

 private:
  struct Node {
    std::string key;
    V value;
    std::size_t cost;
  };
  void trim() {
    while (used_ > budget_) {
      index_.erase(order_.back().key);
      used_ -= order_.back().cost;
      order_.pop_back();
    }
  }

  std::size_t budget_, used_ = 0;
  std::list<Node> order_;  // most recently used first
  std::unordered_map<std::string_view, typename std::list<Node>::iterator> index_;  // views into the nodes
};

}  // namespace posthorn::auth
