#include "server/imap/thread_tree.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <unordered_map>
#include <tuple>
#include <utility>

namespace posthorn::imap {
namespace {

constexpr auto kNone = ThreadTree::kNone;

// What siblings are sorted by; the message that comes first, or in its stead the first one below a dummy.
std::uint32_t head_of(const ThreadTree& tree, std::uint32_t node) {
  return tree.is_dummy(node) ? tree.first_child[node] : node;
}

void sort_by_date(const ThreadTree& tree, std::vector<std::uint32_t>& nodes, const std::vector<std::int64_t>& dates) {
  std::ranges::sort(nodes, {}, [&](std::uint32_t node) {
    const auto head = head_of(tree, node);
    return std::pair(dates[head], head);
  });
}

void sort_children(ThreadTree& tree, std::uint32_t node, const std::vector<std::int64_t>& dates) {
  const auto first = tree.first_child[node];
  if (first == kNone || tree.next_sibling[first] == kNone) return;
  auto children = tree.children(node);
  sort_by_date(tree, children, dates);
  tree.set_children(node, children);
}

// [RFC5256 3] Step 5 for one thread after the other.
class SubjectMerger {
 public:
  SubjectMerger(ThreadTree& tree, const std::vector<ThreadSubject>& subjects) : tree_(tree), subjects_(subjects) {}

  // Changes the roots; siblings must be sorted anew.
  void run() {
    const auto roots = tree_.roots();
    std::vector<std::uint32_t> subjects;  // of the threads, before any is changed
    for (const auto root : roots) subjects.push_back(subjects_[head_of(tree_, root)].subject);
    for (std::size_t i = 0; i < roots.size(); ++i)
      if (subjects[i] != 0) note(roots[i], subjects[i]);
    for (std::size_t i = 0; i < roots.size(); ++i)
      if (subjects[i] != 0) merge(roots[i], subjects[i]);
    std::vector<std::uint32_t> left;
    for (const auto root : roots)
      if (!gone(root)) left.push_back(root);
    left.insert(left.end(), made_.begin(), made_.end());
    tree_.set_roots(left);
  }

 private:
  // A dummy is neither.
  bool is_reply(std::uint32_t root) const { return !tree_.is_dummy(root) && subjects_[root].is_reply_or_forward; }
  bool gone(std::uint32_t root) const { return root < gone_.size() && gone_[root]; }
  void remove(std::uint32_t root) {
    if (gone_.size() <= root) gone_.resize(root + 1);
    gone_[root] = true;
  }

  // (B) Who is in the table: rather a dummy, else rather no reply.
  void note(std::uint32_t root, std::uint32_t subject) {
    const auto [entry, is_new] = table_.try_emplace(subject, root);
    if (is_new || tree_.is_dummy(entry->second)) return;
    if (tree_.is_dummy(root) || (is_reply(entry->second) && !is_reply(root))) entry->second = root;
  }

  // (C)
  void merge(std::uint32_t root, std::uint32_t subject) {
    auto& chosen = table_.at(subject);
    if (chosen == root || gone(root)) return;
    if (tree_.is_dummy(root)) {  // then the chosen one is a dummy too
      for (const auto child : tree_.children(root)) tree_.add_child(chosen, child);
      tree_.first_child[root] = kNone;
      remove(root);
    } else if (tree_.is_dummy(chosen) || (is_reply(root) && !is_reply(chosen))) {
      tree_.add_child(chosen, root);
      remove(root);
    } else {
      const auto dummy = tree_.add_dummy();
      tree_.add_child(dummy, root);
      tree_.add_child(dummy, chosen);
      remove(root);
      remove(chosen);
      made_.push_back(dummy);
      chosen = dummy;
    }
  }

  ThreadTree& tree_;
  const std::vector<ThreadSubject>& subjects_;
  std::unordered_map<std::uint32_t, std::uint32_t> table_;  // thread subject to root
  std::vector<std::uint32_t> made_;
  std::vector<bool> gone_;
};

}  // namespace

std::vector<std::uint32_t> ThreadTree::siblings(std::uint32_t first) const {
  std::vector<std::uint32_t> out;
  for (auto node = first; node != kNone; node = next_sibling[node]) out.push_back(node);
  return out;
}

std::uint32_t ThreadTree::link(const std::vector<std::uint32_t>& nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i) next_sibling[nodes[i]] = i + 1 < nodes.size() ? nodes[i + 1] : kNone;
  return nodes.empty() ? kNone : nodes.front();
}

std::vector<std::uint32_t> ThreadTree::children(std::uint32_t node) const { return siblings(first_child[node]); }
std::vector<std::uint32_t> ThreadTree::roots() const { return siblings(first_root); }
void ThreadTree::set_children(std::uint32_t node, const std::vector<std::uint32_t>& nodes) { first_child[node] = link(nodes); }
void ThreadTree::set_roots(const std::vector<std::uint32_t>& nodes) { first_root = link(nodes); }

void sort_siblings(ThreadTree& tree, const std::vector<std::int64_t>& dates) {
  for (std::uint32_t node = 0; node < tree.first_child.size(); ++node) sort_children(tree, node, dates);
  auto roots = tree.roots();
  sort_by_date(tree, roots, dates);
  tree.set_roots(roots);
}

void sort_by_latest(ThreadTree& tree, const std::vector<std::int64_t>& dates) {
  for (std::uint32_t node = 0; node < tree.first_child.size(); ++node) sort_children(tree, node, dates);
  std::vector<std::pair<std::int64_t, std::uint32_t>> threads;  // latest date, root
  std::vector<std::uint32_t> below;
  for (const auto root : tree.roots()) {
    auto latest = dates[head_of(tree, root)];
    below.assign(1, root);
    while (!below.empty()) {
      const auto node = below.back();
      below.pop_back();
      if (!tree.is_dummy(node)) latest = std::max(latest, dates[node]);
      for (auto child = tree.first_child[node]; child != kNone; child = tree.next_sibling[child]) below.push_back(child);
    }
    threads.emplace_back(latest, root);
  }
  std::ranges::sort(threads, {}, [&](const auto& thread) { return std::pair(thread.first, head_of(tree, thread.second)); });
  std::vector<std::uint32_t> roots;
  for (const auto& [latest, root] : threads) roots.push_back(root);
  tree.set_roots(roots);
}

std::vector<std::uint32_t> thread_heads(const ThreadTree& tree) {
  auto heads = tree.roots();
  for (auto& node : heads) node = head_of(tree, node);
  return heads;
}

void merge_subjects(ThreadTree& tree, const std::vector<ThreadSubject>& subjects, const std::vector<std::int64_t>& dates) {
  SubjectMerger(tree, subjects).run();
  sort_siblings(tree, dates);
}

ThreadTree thread_by_subject(const std::vector<std::uint32_t>& subjects, const std::vector<std::int64_t>& dates) {
  std::vector<std::uint32_t> order(subjects.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t m) { return std::tuple(subjects[m], dates[m], m); });
  ThreadTree tree(static_cast<std::uint32_t>(subjects.size()));
  std::vector<std::uint32_t> roots, replies;
  for (std::size_t begin = 0; begin < order.size();) {
    auto end = begin + 1;
    while (end < order.size() && subjects[order[end]] == subjects[order[begin]]) ++end;
    replies.assign(order.begin() + static_cast<std::ptrdiff_t>(begin) + 1, order.begin() + static_cast<std::ptrdiff_t>(end));
    tree.set_children(order[begin], replies);
    roots.push_back(order[begin]);
    begin = end;
  }
  sort_by_date(tree, roots, dates);
  tree.set_roots(roots);
  return tree;
}

bool ThreadWriter::write(std::string& out, std::size_t limit) {
  while (!levels_.empty()) {
    if (out.size() >= limit) return true;
    const auto node = levels_.back();
    if (node == kNone) {
      levels_.pop_back();
      if (!levels_.empty()) out += ')';
      continue;
    }
    levels_.back() = tree_.next_sibling[node];
    open(out, node);
  }
  return false;
}

// "(" and the members up to where the thread splits; its end if it does not.
void ThreadWriter::open(std::string& out, std::uint32_t node) {
  out += '(';
  for (bool first = true;; first = false) {
    if (!tree_.is_dummy(node)) {
      if (!first) out += ' ';
      char digits[10];
      out.append(digits, std::to_chars(digits, digits + sizeof digits, numbers_[node]).ptr);
    }
    const auto child = tree_.first_child[node];
    if (child == kNone) {
      out += ')';
      return;
    }
    if (tree_.next_sibling[child] != kNone) {
      if (!tree_.is_dummy(node)) out += ' ';
      levels_.push_back(child);
      return;
    }
    node = child;
  }
}

}  // namespace posthorn::imap
