// The mailboxes of one account that a user may list, in order of their names, whoever they belong to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "store/account.h"

namespace posthorn::server {

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

}  // namespace posthorn::server
