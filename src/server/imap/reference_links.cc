#include "server/imap/reference_links.h"

namespace posthorn::imap {
namespace {

// Departures, so that a mailbox of made-up references costs bounded memory and time: so many ids of messages that are not there are
// remembered, and so many steps taken towards ancestors in search of loops; then no more ids are taken, and no more links made.
constexpr std::size_t kDummiesPerMessage = 4, kMoreDummies = 1'000'000;
constexpr std::uint64_t kMaxSteps = 200'000'000;

}  // namespace

ReferenceLinks::ReferenceLinks(std::uint32_t messages)
    : table_(1024), messages_(messages), max_nodes_(messages * (1 + kDummiesPerMessage) + kMoreDummies), steps_left_(kMaxSteps) {
  nodes_.reserve(messages + messages / 4);
  ids_.reserve(messages + messages / 4);
}

std::uint32_t ReferenceLinks::add_node() {
  nodes_.emplace_back();
  ids_.push_back(0);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void ReferenceLinks::grow() {
  std::vector<std::uint32_t> old(table_.size() * 2);
  old.swap(table_);
  for (const auto entry : old) {
    if (entry == 0) continue;
    auto slot = ids_[entry - 1] & (table_.size() - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (table_.size() - 1);
    table_[slot] = entry;
  }
}

std::uint32_t ReferenceLinks::node_of(std::uint64_t id) {
  auto slot = id & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1))
    if (ids_[table_[slot] - 1] == id) return table_[slot] - 1;
  if (nodes_.size() >= max_nodes_) return kNone;
  const auto node = add_node();
  ids_[node] = id;
  table_[slot] = node + 1;
  if (++in_table_ * 2 > table_.size()) grow();
  return node;
}

bool ReferenceLinks::is_descendant(std::uint32_t node, std::uint32_t of) {
  if (node == of) return true;
  if (nodes_[of].children == 0) return false;
  for (; node != kNone; node = nodes_[node].parent) {
    if (node == of || steps_left_ == 0) return true;
    --steps_left_;
  }
  return false;
}

void ReferenceLinks::link(std::uint32_t parent, std::uint32_t child) {
  if (is_descendant(parent, child)) return;  // it would be a loop
  nodes_[child].parent = parent;
  ++nodes_[parent].children;
}

void ReferenceLinks::unlink(std::uint32_t child) {
  auto& parent = nodes_[child].parent;
  if (parent != kNone) --nodes_[parent].children;
  parent = kNone;
}

void ReferenceLinks::add(std::uint32_t message, std::uint64_t id, std::span<const std::uint64_t> references) {
  // (A) The first of several messages with an id has it; the others are as if they had none.
  std::uint32_t before = kNone;
  for (const auto reference : references) {
    const auto node = node_of(reference);
    if (node == kNone) continue;
    if (before != kNone && nodes_[node].parent == kNone) link(before, node);
    before = node;
  }
  auto own = id != 0 ? node_of(id) : kNone;
  if (own == kNone || nodes_[own].message != kNone) own = add_node();
  nodes_[own].message = message;
  // (B) Its own last reference is better than what others say of its parent.
  if (nodes_[own].parent == before) return;
  unlink(own);
  if (before != kNone) link(before, own);
}

// For every node: the nearest ancestor that is a message; else the topmost one, or kNone at the top.
std::vector<std::uint32_t> ReferenceLinks::ancestors() const {
  std::vector<std::uint32_t> found(nodes_.size(), kNone);
  std::vector<bool> known(nodes_.size());
  std::vector<std::uint32_t> path;
  for (std::uint32_t start = 0; start < nodes_.size(); ++start) {
    for (auto node = start; node != kNone && !known[node]; node = nodes_[node].parent) path.push_back(node);
    for (; !path.empty(); path.pop_back()) {
      const auto node = path.back(), parent = nodes_[node].parent;
      known[node] = true;
      if (parent == kNone) continue;
      const bool ends = nodes_[parent].message != kNone || nodes_[parent].parent == kNone;
      found[node] = ends ? parent : found[parent];
    }
  }
  return found;
}

// Dummies are left out, and their children take their place; but where that would be at the top, and they are several, one dummy
// keeps them together.
ThreadTree ReferenceLinks::tree() const {
  ThreadTree tree(messages_);
  const auto ancestor = ancestors();
  std::vector<std::uint32_t> count(nodes_.size()), dummy(nodes_.size(), kNone);
  for (std::uint32_t node = 0; node < nodes_.size(); ++node)
    if (nodes_[node].message != kNone && ancestor[node] != kNone) ++count[ancestor[node]];
  std::vector<std::uint32_t> roots;
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    const auto message = nodes_[node].message;
    if (message == kNone) continue;
    const auto parent = ancestor[node];
    if (parent == kNone || (nodes_[parent].message == kNone && count[parent] == 1)) {
      roots.push_back(message);
    } else if (nodes_[parent].message != kNone) {
      tree.add_child(nodes_[parent].message, message);
    } else {
      if (dummy[parent] == kNone) roots.push_back(dummy[parent] = tree.add_dummy());
      tree.add_child(dummy[parent], message);
    }
  }
  tree.set_roots(roots);
  return tree;
}

}  // namespace posthorn::imap
