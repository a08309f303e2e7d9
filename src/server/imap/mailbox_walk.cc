#include "server/imap/mailbox_walk.h"

#include <algorithm>
#include <utility>

namespace posthorn::imap {
namespace {

constexpr std::size_t kFirstPage = 16, kMaxPage = 1024;

bool is_before(const store::MailboxStatePtr& a, std::string_view name) { return a->name < name; }

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() && name[parent.size()] == '/' && name.starts_with(parent);
}

}  // namespace

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
