// What has happened to a mailbox since a client looked at it last: VANISHED (EARLIER) and FETCH. [RFC7162 3.2.5, 3.2.6]
#include <algorithm>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

constexpr std::uint32_t kMaxUid = 0xFFFFFFFF;
constexpr std::size_t kRangesALine = 2000;

// [RFC7162 3.2.5.2] The highest UID of the pairs that agree with the mailbox: up to it the client has missed no expunge.
Uid settled_until(const SequenceSet& numbers, const SequenceSet& uids, const store::View& now) {
  Uid settled{0};
  std::size_t u = 0;
  std::uint32_t in_uids = 0;  // how far in item u
  for (const auto& item : numbers.items()) {
    for (std::uint32_t n = item.first; n <= item.last && u < uids.items().size(); ++n) {
      const auto& range = uids.items()[u];
      const Uid uid(range.first + in_uids);
      if (n > now.size() || now.at(n - 1).uid != uid) return settled;
      settled = uid;
      if (uid.value() == range.last) {
        ++u;
        in_uids = 0;
      } else {
        ++in_uids;
      }
      if (n == kMaxUid) break;
    }
  }
  return settled;
}

// The UIDs of `known` that are not in the mailbox.
NumberSet missing_from(const store::View& now, const NumberSet& known) {
  NumberSet out;
  for (const auto& range : known.ranges()) {
    std::uint64_t next = range.first;  // the first one not yet judged
    for (auto i = now.lower_bound(Uid(range.first)); i < now.size() && now.at(i).uid.value() <= range.last; ++i) {
      const auto uid = now.at(i).uid.value();
      if (next < uid) out.push_back(NumberRange{static_cast<std::uint32_t>(next), uid - 1});
      next = std::uint64_t{uid} + 1;
    }
    if (next <= range.last) out.push_back(NumberRange{static_cast<std::uint32_t>(next), range.last});
  }
  return out;
}

NumberSet both(const store::UidSet& uids, const NumberSet& known) {
  NumberSet out;
  auto k = known.ranges().begin();
  for (const auto& range : uids) {
    while (k != known.ranges().end() && k->last < range.first.value()) ++k;
    for (auto i = k; i != known.ranges().end() && i->first <= range.last.value(); ++i)
      out.push_back(NumberRange{std::max(i->first, range.first.value()), std::min(i->last, range.last.value())});
  }
  return out;
}

}  // namespace

NumberSet Session::known_uids(const SequenceSet& set) const {
  NumberSet known;
  if (set.is_saved_result()) {
    for (const auto& range : selected_->saved) known.push_back(NumberRange{range.first.value(), range.last.value()});
    return known;
  }
  const auto state = selected_->account->mailbox(selected_->id);
  const auto last = state ? state->uid_next.value() - 1 : selected_->told->last_uid().value();
  if (last > 0) known = intersect(set.resolve(last), {1, last});
  return known;
}

// REQUIRES: the mailbox has just been selected.
Task<Result<void>> Session::resynchronise(const QresyncParameter& client) {
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state || client.uid_validity != state->uid_validity.value()) co_return Result<void>{};
  const auto& now = *selected_->told;
  NumberSet known;
  if (client.known_uids) known = known_uids(*client.known_uids);
  else if (state->uid_next > Uid(1)) known.push_back(NumberRange{1, state->uid_next.value() - 1});
  Uid settled{0};
  if (client.match_numbers && client.match_uids) settled = settled_until(*client.match_numbers, *client.match_uids, now);
  const ModSeq since(client.mod_seq);
  if (since.value() >= state->highest_mod_seq.value()) co_return Result<void>{};
  CO_TRY_OK(co_await tell_vanished_earlier(known, since, settled));
  co_return co_await tell_changed_since(known, since);
}

Task<Result<void>> Session::tell_vanished_earlier(const NumberSet& known, ModSeq since, Uid settled) {
  CO_TRY(const auto logged, co_await selected_->account->vanished_since(selected_->id, since));
  // [RFC7162 3.2.6] When the log does not reach back that far, every UID that is not there counts as expunged since.
  auto gone = logged ? both(*logged, known) : missing_from(*selected_->told, known);
  if (!logged && settled.value() > 0) {
    if (settled.value() == kMaxUid) co_return Result<void>{};
    gone = intersect(gone, {settled.value() + 1, kMaxUid});
  }
  // What the client is still shown (an EXPUNGE held back) is not reported as gone.
  if (logged) {
    const store::View& shown = *selected_->told;
    const auto not_shown = missing_from(shown, gone);
    gone = not_shown;
  }
  for (std::size_t i = 0; i < gone.ranges().size(); i += kRangesALine) {
    NumberSet line;
    for (auto j = i; j < std::min(i + kRangesALine, gone.ranges().size()); ++j) line.push_back(gone.ranges()[j]);
    Writer(output()).untagged().raw("VANISHED (EARLIER) ").set(line).crlf();
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

// [RFC7162 3.2.5.1] As UID FETCH known (FLAGS) (CHANGEDSINCE since) would.
Task<Result<void>> Session::tell_changed_since(const NumberSet& known, ModSeq since) {
  const auto shown = selected_->told;
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return Result<void>{};
  for (const auto& range : known.ranges()) {
    const auto end = range.last == kMaxUid ? shown->size() : shown->lower_bound(Uid(range.last + 1));
    for (auto index = shown->lower_bound(Uid(range.first)); index < end; ++index) {
      if (shown->at(index).mod_seq <= since) continue;
      put_flags_fetch(*shown, index, true, WithUid::yes, *state);
      CO_TRY_OK(co_await flush_if_large());
    }
  }
  co_return Result<void>{};
}

}  // namespace posthorn::imap
