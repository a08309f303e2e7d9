#include "server/imap/mailbox_tree.h"

#include <algorithm>
#include <utility>

namespace posthorn::imap {
namespace {

constexpr std::size_t kFirstPage = 16, kMaxPage = 1024;

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

bool MailboxWalk::refill() {
  if (over_) return false;
  page_ = tree_.page(from_, limit_);
  at_ = 0;
  over_ = page_.size() < limit_;
  if (page_.empty()) return false;
  from_ = page_.back()->name + '\0';
  limit_ = std::min(limit_ * 4, kMaxPage);
  return true;
}

void MailboxWalk::skip_to(std::string name) {
  at_ = static_cast<std::size_t>(std::lower_bound(page_.begin() + static_cast<std::ptrdiff_t>(at_), page_.end(), name, is_before) - page_.begin());
  if (at_ < page_.size()) return;
  from_ = std::max(from_, std::move(name));
  limit_ = kFirstPage;
}

bool MailboxWalk::next(Step& step) {
  if (at_ >= page_.size() && !refill()) return false;
  step.state = page_[at_++];
  const auto& name = step.state->name;
  step.name = tree_.shown(name);
  const auto outcome = patterns_.match(step.name, step.parents);
  step.matches = outcome.matches;
  if (outcome.matches) {
    // "a-b" stands between "a" and "a/b"; only then the name after it does not tell.
    const auto* after = at_ < page_.size() ? &page_[at_]->name : nullptr;
    if (after != nullptr && (is_below(*after, name) || !after->starts_with(name))) step.has_children = is_below(*after, name);
    else step.has_children = tree_.has_children(name);
  } else if (outcome.dead <= tree_.prefix().size()) {
    over_ = true;  // none of this account
    at_ = page_.size();
  } else if (outcome.dead != MailboxPatterns::Outcome::kAlive) {
    auto dead = step.name.substr(tree_.prefix().size(), outcome.dead - tree_.prefix().size());
    dead.back() = static_cast<char>(dead.back() + 1);  // UTF-8 has no 0xFF
    skip_to(std::move(dead));
  }
  return true;
}

}  // namespace posthorn::imap
