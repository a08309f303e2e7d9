#include "server/pop3/maildrop.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/clock.h"
#include "server/pop3/settings.h"
#include "store/mail_store.h"
#include "text/ascii.h"

namespace posthorn::pop3 {
namespace {

// UIDs of entries whose message another entry before them has, too.
std::vector<Uid> find_copies(const store::View& view) {
  std::vector<std::pair<MessageId, Uid>> all;
  all.reserve(view.size());
  view.for_each([&](std::uint32_t, const store::Entry& e) { all.emplace_back(e.message, e.uid); });
  std::ranges::sort(all);
  std::vector<Uid> copies;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i].first == all[i - 1].first) copies.push_back(all[i].second);
  std::ranges::sort(copies);
  return copies;
}

// Messages in the order they came in, as in a mailbox that nothing was ever copied into: there are no copies.
bool ascends(const store::View& view) {
  MessageId last;
  bool ascending = true;
  view.for_each([&](std::uint32_t, const store::Entry& e) {
    ascending = ascending && last < e.message;
    last = e.message;
  });
  return ascending;
}

}  // namespace

MaildropRules MaildropRules::of(const auth::AccountRecord& account) {
  MaildropRules rules{.mailbox = kMailboxOfAccount.get(account),
                      .exclusive = kExclusiveLockOfAccount.get(account),
                      .hide_seen = kHideSeenOfAccount.get(account),
                      .leave_on_server = kLeaveOnServerOfAccount.get(account),
                      .delete_after = kDeleteAfterOfAccount.get(account)};
  if (rules.delete_after.count() != 0) rules.delete_after = std::max(rules.delete_after, kLeastRetention.get());
  return rules;
}

MaildropRules MaildropRules::of_server() { return of({}); }

Maildrop::Maildrop(store::AccountPtr account, store::MailboxStatePtr mailbox, store::ViewPtr view, MaildropRules rules)
    : account_(std::move(account)), mailbox_(mailbox->id), view_(std::move(view)), rules_(std::move(rules)) {
  for (std::size_t i = 0; i < mailbox->keywords.size(); ++i)
    if (text::iequals(mailbox->keywords[i], kHiddenKeyword)) hidden_keyword_ = std::uint64_t{1} << i;
  if (rules_.hide_seen || hidden_keyword_ != 0) {
    view_->for_each([&](std::uint32_t index, const store::Entry& e) {
      if (is_shown(e)) shown_.push_back(index);
    });
    hides_some_ = shown_.size() < view_->size();
    if (!hides_some_) shown_ = {};
  }
  for_each(1, count(), [&](std::uint32_t, const store::Entry& e) { bytes_ += e.size; });
}

Task<Result<Maildrop>> Maildrop::open(store::MailStore& store, AccountId id, MaildropRules rules) {
  CO_TRY(auto account, co_await store.account(id));
  const auto found = account->find_mailbox(rules.mailbox);
  if (!found) co_return fail(Errc::not_found, "no mailbox " + rules.mailbox);
  CO_TRY(auto view, co_await account->view(found->id));
  // The view may have keywords that are newer than what was known of the mailbox before.
  auto mailbox = account->mailbox(found->id);
  if (!mailbox) co_return fail(Errc::not_found, "no mailbox " + rules.mailbox);
  co_return Maildrop(std::move(account), std::move(mailbox), std::move(view), std::move(rules));
}

const store::Entry* Maildrop::find(std::uint32_t number) const {
  if (number < 1 || number > count()) return nullptr;
  if (!deleted_.empty() && deleted_[number - 1]) return nullptr;
  return &view_->at(hides_some_ ? shown_[number - 1] : number - 1);
}

Task<> Maildrop::prepare_unique_ids() {
  if (std::exchange(knows_copies_, true) || ascends(*view_)) co_return;
  const auto view = view_;
  copies_ = co_await account_->store().workers().run([view] { return find_copies(*view); });
}

void Maildrop::put_unique_id(std::string& out, const store::Entry& entry) const {
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, entry.message.value(), 16).ptr);
  if (copies_.empty() || !std::ranges::binary_search(copies_, entry.uid)) return;
  out += '.';
  out.append(digits, std::to_chars(digits, digits + sizeof digits, entry.uid.value()).ptr);
}

void Maildrop::mark_deleted(std::uint32_t number) {
  marked_.bytes += find(number)->size;
  ++marked_.messages;
  if (deleted_.empty()) deleted_.resize(count());
  deleted_[number - 1] = true;
}

void Maildrop::unmark_all() {
  deleted_.clear();
  marked_ = {};
}

std::vector<Uid> Maildrop::marked() const {
  std::vector<Uid> uids;
  uids.reserve(marked_.messages);
  for (std::uint32_t i = 0; i < deleted_.size(); ++i)
    if (deleted_[i]) uids.push_back(view_->at(hides_some_ ? shown_[i] : i).uid);
  return uids;
}

// What the client could have fetched, or has deleted before.  Whatever hide_seen hides is not POP3's to judge.
std::vector<Uid> Maildrop::expired() const {
  std::vector<Uid> uids;
  if (rules_.delete_after.count() == 0) return uids;
  const auto until = std::chrono::floor<std::chrono::seconds>(now() - rules_.delete_after).time_since_epoch().count();
  view_->for_each([&](std::uint32_t, const store::Entry& e) {
    const bool old = e.save_date > 0 && e.save_date <= until;
    if (old && uids.size() < kMaxExpired && (is_shown(e) || was_hidden(e))) uids.push_back(e.uid);
  });
  return uids;
}

Task<Result<Maildrop::Updated>> Maildrop::update() {
  const auto chosen = marked(), old = expired();
  Updated done;
  std::vector<Uid> going, hiding;
  if (rules_.leave_on_server) {
    std::ranges::set_difference(chosen, old, std::back_inserter(hiding));
    going = old;
  } else {
    std::ranges::set_union(chosen, old, std::back_inserter(going));
  }
  if (!going.empty()) {
    auto set = store::uid_set_of(going);
    CO_TRY(const auto removed, co_await account_->remove(mailbox_, std::move(set)));
    done.removed = static_cast<std::uint32_t>(removed.uids.size());
    done.expired = static_cast<std::uint32_t>(
        std::ranges::count_if(removed.uids, [&](Uid uid) { return std::ranges::binary_search(old, uid) && !std::ranges::binary_search(chosen, uid); }));
  }
  // Last: a mailbox may have no room for one more keyword.
  if (!hiding.empty()) {
    auto set = store::uid_set_of(hiding);
    store::FlagsChange change{.op = store::FlagsOp::add, .keywords = {std::string(kHiddenKeyword)}};
    CO_TRY(const auto changed, co_await account_->change_flags(mailbox_, std::move(set), std::move(change)));
    done.hidden = static_cast<std::uint32_t>(changed.changed.size());
  }
  unmark_all();
  co_return done;
}

}  // namespace posthorn::pop3
