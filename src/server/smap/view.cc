// Bringing the client up to date. [SMAP1 5.2, 5.3]
#include <algorithm>
#include <utility>

#include "proto/smap/message_set.h"
#include "server/common/mailbox_access.h"
#include "server/smap/session.h"

namespace posthorn::smap {
namespace {

constexpr std::size_t kRangesALine = 100;

NumberRanges ranges_of(const std::vector<std::uint32_t>& indexes) {
  NumberRanges out;
  for (const std::uint64_t index : indexes) {
    if (!out.empty() && out.back().last == index) ++out.back().last;
    else out.push_back({index + 1, index + 1});
  }
  return out;
}

bool same_flags(const store::Entry& a, const store::Entry& b) { return a.flags == b.flags && a.keywords == b.keywords; }

}  // namespace

bool Session::refresh_rights() {
  const auto state = folder_->state();
  folder_->anyone.all = server::kAclAnyone.get();
  folder_->rights = state ? state->rights_of(account_->id(), folder_->account->id(), folder_->anyone) : store::Rights();
  return folder_->rights.contains(store::kRead);
}

// What has gone as a whole, or is not the user's to read any more, is an empty folder to him.
Task<Result<bool>> Session::tell_changes() {
  if (!refresh_rights()) {
    const auto nothing = std::make_shared<const store::View>();
    co_return co_await tell(nothing);
  }
  // In this order: the state is never newer than the view, so INVARIANT 2 of OpenFolder holds.
  const auto state = folder_->state();
  auto now = co_await folder_->account->view(folder_->id);
  if (!now && now.error().code == Errc::not_found) now = std::make_shared<const store::View>();
  if (!now) co_return std::unexpected(std::move(now).error());
  CO_TRY(const bool told, co_await tell(*std::move(now)));
  if (state) folder_->mod_seq = state->highest_mod_seq;
  co_return told;
}

Task<Result<bool>> Session::tell(store::ViewPtr now) {
  if (now == folder_->told) co_return false;
  const auto before = std::exchange(folder_->told, now);
  const auto state = folder_->state();
  const auto difference = store::diff(*before, *now);
  const auto gone = ranges_of(difference.expunged);
  CO_TRY_OK(co_await put_expunged(gone));
  if (difference.added > 0) put_line("* EXISTS " + std::to_string(now->size()));
  bool any = !gone.empty() || difference.added > 0;
  for (const auto index : difference.changed) {
    const auto& entry = now->at(index);
    const auto known = before->find(entry.uid);
    if (!state || !known || same_flags(before->at(*known), entry)) continue;
    any = true;
    put_change(*now, index, *state);
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return any;
}

// `gone` lives in the caller's frame.  Each line uses the numbering left by the one before [SMAP1 5.3].
Task<Result<void>> Session::put_expunged(const NumberRanges& gone) {
  std::uint64_t removed = 0, removed_before_line = 0;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (i % kRangesALine == 0) {
      if (i > 0) end_line();
      CO_TRY_OK(co_await flush_if_large());
      output() += "* EXPUNGE";
      removed_before_line = removed;
    }
    output() += ' ';
    put_range(output(), gone[i].first - removed_before_line, gone[i].last - removed_before_line);
    removed += gone[i].last - gone[i].first + 1;
  }
  if (!gone.empty()) end_line();
  co_return Result<void>{};
}

void Session::put_change(const store::View& view, std::uint32_t index, const store::MailboxState& state) {
  output().append("* FETCH ").append(std::to_string(index + 1)).append(" ");
  put_flags(output(), view.at(index));
  output() += ' ';
  put_keywords(output(), view.at(index), state);
  end_line();
}

void Session::adopt(const store::View& now, const store::UidSet& touched, store::EntryPart part) {
  folder_->told = store::with_own_change(*folder_->told, now, touched, part);
}

}  // namespace posthorn::smap
