// Conversations of messages, as THREAD tells them. [RFC5256 3]  No I/O; messages are positions in the list of those found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace posthorn::imap {

// A forest of messages.  At the top there may be dummies, whose messages belong together although none is the parent.
struct ThreadTree {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> first_child, next_sibling;  // by node: the messages, then dummies
  std::uint32_t messages = 0;
  std::uint32_t first_root = kNone;  // the others are its siblings

  explicit ThreadTree(std::uint32_t message_count = 0)
      : first_child(message_count, kNone), next_sibling(message_count, kNone), messages(message_count) {}
  bool is_dummy(std::uint32_t node) const { return node >= messages; }
  std::uint32_t add_dummy() {
    first_child.push_back(kNone);
    next_sibling.push_back(kNone);
    return static_cast<std::uint32_t>(first_child.size() - 1);
  }
  void add_child(std::uint32_t parent, std::uint32_t child) {  // in front
    next_sibling[child] = first_child[parent];
    first_child[parent] = child;
  }
  std::vector<std::uint32_t> children(std::uint32_t node) const;
  std::vector<std::uint32_t> roots() const;
  void set_children(std::uint32_t node, const std::vector<std::uint32_t>&);
  void set_roots(const std::vector<std::uint32_t>&);

 private:
  std::vector<std::uint32_t> siblings(std::uint32_t first) const;
  std::uint32_t link(const std::vector<std::uint32_t>&);
};

// Writes "(1)(2 3 (4)(5))" in pieces.  [RFC5256 5] thread-list
class ThreadWriter {
 public:
  // `numbers` by message.
  ThreadWriter(const ThreadTree& tree, const std::vector<std::uint32_t>& numbers) : tree_(tree), numbers_(numbers) {
    levels_.push_back(tree.first_root);
  }
  // Until `out` has about `limit` bytes; false: that was all.
  bool write(std::string& out, std::size_t limit);

 private:
  void open(std::string& out, std::uint32_t node);

  const ThreadTree& tree_;
  const std::vector<std::uint32_t>& numbers_;
  std::vector<std::uint32_t> levels_;  // of the siblings on each level, the one to be opened next
};

// --- The algorithms.  Dates decide between messages, and then their order. [RFC5256 2.2]

// `subjects`: by message, the same number for the same base subject.
ThreadTree thread_by_subject(const std::vector<std::uint32_t>& subjects, const std::vector<std::int64_t>& dates);

struct ThreadSubject {
  std::uint32_t subject = 0;  // the same number for the same base subject; 0: it is empty
  bool is_reply_or_forward = false;
};

// [RFC5256 3] REFERENCES, steps 4 to 6 on the tree of steps 1 to 3: threads with the same subject become one.
// `subjects` by message; only those that thread_heads() names need be right.
void merge_subjects(ThreadTree&, const std::vector<ThreadSubject>& subjects, const std::vector<std::int64_t>& dates);
// After sort_siblings(): the messages whose subjects stand for their threads.
std::vector<std::uint32_t> thread_heads(const ThreadTree&);

// Steps 4 and 6: every set of siblings by date; a dummy counts as its first child.
void sort_siblings(ThreadTree&, const std::vector<std::int64_t>& dates);
// REFS: threads by the latest date in them (draft-ietf-morg-inthread), siblings below by date.
void sort_by_latest(ThreadTree&, const std::vector<std::int64_t>& dates);

}  // namespace posthorn::imap
