#include "server/pop3/maildrop.h"

#include <charconv>
#include <utility>

#include "store/mail_store.h"

namespace posthorn::pop3 {

Maildrop::Maildrop(store::AccountPtr account, MailboxId mailbox, UidValidity uid_validity, store::ViewPtr view)
    : account_(std::move(account)),
      mailbox_(mailbox),
      unique_id_prefix_(std::to_string(uid_validity.value()) + '.'),
      view_(std::move(view)) {
  view_->for_each([&](std::uint32_t, const store::Entry& e) { bytes_ += e.size; });
}

Task<Result<Maildrop>> Maildrop::open(store::MailStore& store, AccountId id) {
  CO_TRY(auto account, co_await store.account(id));
  const auto inbox = account->find_mailbox("INBOX");
  if (!inbox) co_return fail(Errc::not_found, "no INBOX");
  CO_TRY(auto view, co_await account->view(inbox->id));
  co_return Maildrop(std::move(account), inbox->id, inbox->uid_validity, std::move(view));
}

Maildrop::Totals Maildrop::totals() const { return {count() - marked_.messages, bytes_ - marked_.bytes}; }

const store::Entry* Maildrop::find(std::uint32_t number) const {
  if (number < 1 || number > count()) return nullptr;
  if (!deleted_.empty() && deleted_[number - 1]) return nullptr;
  return &view_->at(number - 1);
}

void Maildrop::put_unique_id(std::string& out, const store::Entry& entry) const {
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof digits, entry.uid.value()).ptr;
  out += unique_id_prefix_;
  out.append(digits, end);
}

void Maildrop::mark_deleted(std::uint32_t number) {
  if (deleted_.empty()) deleted_.resize(count());
  deleted_[number - 1] = true;
  ++marked_.messages;
  marked_.bytes += view_->at(number - 1).size;
}

void Maildrop::unmark_all() {
  deleted_.clear();
  marked_ = {};
}

Task<Result<std::uint32_t>> Maildrop::update() {
  if (marked_.messages == 0) co_return 0u;
  std::vector<Uid> uids;
  uids.reserve(marked_.messages);
  view_->for_each([&](std::uint32_t index, const store::Entry& e) {
    if (deleted_[index]) uids.push_back(e.uid);
  });
  auto set = store::uid_set_of(uids);
  CO_TRY(const auto removed, co_await account_->remove(mailbox_, std::move(set)));
  unmark_all();
  co_return static_cast<std::uint32_t>(removed.uids.size());
}

}  // namespace posthorn::pop3
