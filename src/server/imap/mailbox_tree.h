// The mailboxes of one account that a user may list, in order of their names, and a walk over those that patterns can match.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/imap/mailbox_pattern.h"
#include "store/account.h"

namespace posthorn::imap {

class MailboxTree {
 public:
  explicit MailboxTree(store::AccountPtr own) : account_(std::move(own)) {}
  // Of somebody else: the mailboxes given.
  MailboxTree(store::AccountPtr owner, std::string prefix, std::vector<store::MailboxStatePtr> listable);

  const store::AccountPtr& account() const { return account_; }
  const std::string& prefix() const { return prefix_; }  // of the names as the user sees them; empty: his own
  bool is_own() const { return prefix_.empty(); }
  std::string shown(std::string_view name) const { return prefix_ + std::string(name); }

  // By names in the account.
  std::vector<store::MailboxStatePtr> page(std::string_view from, std::size_t limit) const;
  bool contains(std::string_view name) const;
  bool has_children(std::string_view name) const;

 private:
  std::vector<store::MailboxStatePtr>::const_iterator lower_bound(std::string_view name) const;

  store::AccountPtr account_;
  std::string prefix_;
  std::vector<store::MailboxStatePtr> listable_;  // of others only; by name
};

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
