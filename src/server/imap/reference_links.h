// Parents of messages by their References. [RFC5256 3] REFERENCES, steps 1 to 3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/imap/thread_tree.h"

namespace posthorn::imap {

// Message-ids are hashes; 0 is none.  Memory: some 40 bytes for each id.
class ReferenceLinks {
 public:
  explicit ReferenceLinks(std::uint32_t messages);

  // Step 1.  REQUIRES: ascending messages, each once.
  void add(std::uint32_t message, std::uint64_t id, std::span<const std::uint64_t> references);
  // Steps 2 and 3; once.  Siblings are in no order.
  ThreadTree tree() const;

 private:
  static constexpr std::uint32_t kNone = ThreadTree::kNone;
  struct Node {
    std::uint32_t parent = kNone;
    std::uint32_t message = kNone;  // kNone: a dummy
    std::uint32_t children = 0;
  };
  std::uint32_t node_of(std::uint64_t id);  // kNone: too many
  std::uint32_t add_node();
  void grow();
  bool is_descendant(std::uint32_t node, std::uint32_t of);
  void link(std::uint32_t parent, std::uint32_t child);
  void unlink(std::uint32_t child);
  std::vector<std::uint32_t> ancestors() const;

  std::vector<Node> nodes_;
  std::vector<std::uint64_t> ids_;     // of nodes; 0: it has none
  std::vector<std::uint32_t> table_;   // open addressing by id: node + 1
  std::size_t in_table_ = 0;
  std::uint32_t messages_;
  std::size_t max_nodes_;
  std::uint64_t steps_left_;
};

}  // namespace posthorn::imap
