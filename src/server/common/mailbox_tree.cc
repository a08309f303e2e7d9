#include "server/common/mailbox_tree.h"

#include <algorithm>
#include <utility>

namespace posthorn::server {
namespace {

bool by_name(const store::MailboxStatePtr& a, const store::MailboxStatePtr& b) { return a->name < b->name; }
bool is_before(const store::MailboxStatePtr& a, std::string_view name) { return a->name < name; }

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name[parent.size()] == '/' && name.starts_with(parent);
}

}  // namespace

MailboxTree::MailboxTree(store::AccountPtr owner, std::string prefix, std::vector<store::MailboxStatePtr> listable)
    : account_(std::move(owner)), prefix_(std::move(prefix)), listable_(std::move(listable)) {
  std::ranges::sort(listable_, by_name);
}

std::vector<store::MailboxStatePtr>::const_iterator MailboxTree::lower_bound(std::string_view name) const {
  return std::lower_bound(listable_.begin(), listable_.end(), name, is_before);
}

std::vector<store::MailboxStatePtr> MailboxTree::page(std::string_view from, std::size_t limit) const {
  if (is_own()) return account_->mailboxes_from(from, limit);
  const auto begin = lower_bound(from);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(limit, static_cast<std::size_t>(listable_.end() - begin)))};
}

bool MailboxTree::contains(std::string_view name) const {
  if (is_own()) return account_->find_mailbox(name) != nullptr;
  const auto at = lower_bound(name);
  return at != listable_.end() && (*at)->name == name;
}

bool MailboxTree::has_children(std::string_view name) const {
  if (is_own()) return account_->has_children(name);
  const auto at = lower_bound(std::string(name) + '/');
  return at != listable_.end() && is_below((*at)->name, name);
}

}  // namespace posthorn::server
