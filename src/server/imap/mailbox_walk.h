// A walk over those mailboxes of a tree that patterns can match.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/common/mailbox_tree.h"
#include "server/imap/mailbox_pattern.h"

namespace posthorn::imap {

using server::MailboxTree;

// Passes over what no pattern can match, and holds a page of mailboxes at a time: what is made or removed meanwhile is met or not.
class MailboxWalk {
 public:
  MailboxWalk(const MailboxTree& tree, const MailboxPatterns& patterns) : tree_(tree), patterns_(patterns) {}
  MailboxWalk(MailboxTree&&, const MailboxPatterns&) = delete;

  struct Step {
    store::MailboxStatePtr state;
    std::string name;  // as the user sees it
    bool matches = false;
    bool has_children = false;  // when it matches
    std::vector<std::size_t> parents;  // lengths of the names above it that match, ascending; whether or not there is such a mailbox
  };
  // False: that was the last.  Mailboxes that do not match are met, too, when names without a mailbox may match above them.
  bool next(Step& step);

 private:
  bool refill();
  void skip_to(std::string name);

  const MailboxTree& tree_;
  const MailboxPatterns& patterns_;
  std::vector<store::MailboxStatePtr> page_;
  std::size_t at_ = 0;
  std::string from_;         // where the next page begins
  std::size_t limit_ = 16;   // of the next page
  bool over_ = false;
};

}  // namespace posthorn::imap
