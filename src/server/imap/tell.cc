// Bringing the client up to date: EXPUNGE, EXISTS, RECENT, FLAGS and FETCH responses. [RFC3501 7]
#include <algorithm>
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/session.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

// What STORE does to flags, with keywords as bits.
struct FlagEffect {
  store::FlagsOp op = store::FlagsOp::replace;
  std::uint8_t system = 0;
  std::uint64_t keywords = 0;

  template <class Bits>
  Bits apply(Bits before, Bits change) const {
    switch (op) {
      case store::FlagsOp::replace: return change;
      case store::FlagsOp::add: return before | change;
      case store::FlagsOp::remove: return before & ~change;
    }
    return before;
  }
  // Does the client know the flags of `now`, when it has just made this change to `before`?
  bool explains(const store::Entry& before, const store::Entry& now) const {
    return apply<std::uint8_t>(before.flags, system) == now.flags && apply(before.keywords, keywords) == now.keywords;
  }
};

FlagEffect effect_of(const store::FlagsChange& change, const store::MailboxState& state) {
  FlagEffect effect{.op = change.op, .system = change.system};
  for (const auto& keyword : change.keywords)
    for (std::size_t i = 0; i < state.keywords.size(); ++i)
      if (text::iequals(state.keywords[i], keyword)) effect.keywords |= std::uint64_t{1} << i;
  return effect;
}

bool same_flags(const store::Entry& a, const store::Entry& b) { return a.flags == b.flags && a.keywords == b.keywords; }

}  // namespace

Task<Result<void>> Session::sync(Expunges expunges, WithUid with_uid) {
  if (is_nobody()) co_return Result<void>{};
  // In this order: the state is never newer than the view, so INVARIANT 2 of Selected holds.
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) {
    // [RFC2180 3.3] Somebody has deleted the mailbox under us.
    say_bye("NONEXISTENT", "The selected mailbox has been deleted", "mailbox_deleted");
    selected_.reset();
    co_return Result<void>{};
  }
  if (!refresh_rights(*state)) co_return Result<void>{};
  CO_TRY(auto now, co_await selected_->account->view(selected_->id));
  if (now != selected_->told) CO_TRY_OK(co_await tell(now, expunges, with_uid));
  selected_->holds_back = selected_->told != now;
  if (!selected_->holds_back) selected_->mod_seq = state->highest_mod_seq;
  tell_new_keywords(*state);
  co_return Result<void>{};
}

bool Session::refresh_rights(const store::MailboxState& state) {
  selected_->anyone.all = server::kAclAnyone.get();
  const auto rights = state.rights_of(account_->id(), selected_->account->id(), selected_->anyone);
  if (rights == selected_->rights) return true;
  selected_->rights = rights;
  if (!rights.contains(store::kRead)) {
    // [RFC4314 5.1.1] Most clients do not handle NO to everything very well.
    say_bye("NOPERM", "You may no longer read the selected mailbox", "rights_revoked");
    selected_.reset();
    return false;
  }
  put_flags_lines(output(), state, selected_->changeable());
  return true;
}

Task<Result<void>> Session::tell(store::ViewPtr now, Expunges expunges, WithUid with_uid, const OwnChange* own) {
  auto shown = std::move(now);
  auto difference = store::diff(*selected_->told, *shown);
  if (expunges == Expunges::keep && !difference.expunged.empty()) {
    shown = store::with_expunged_kept(*selected_->told, *shown);
    difference = store::diff(*selected_->told, *shown);
  }
  const auto recent = difference.expunged.empty() ? 0 : selected_->count_recent();
  CO_TRY_OK(co_await tell_expunged(difference.expunged));
  CO_TRY_OK(co_await tell_flags(*shown, difference.changed, with_uid, own));
  selected_->told = shown;
  if (difference.added > 0) {
    CO_TRY_OK(co_await tell_arrivals());
  } else if (recent > 0 && selected_->count_recent() != recent) {
    put_recent();  // [RFC3501 7.3.2] when the size of the mailbox changes
  }
  co_return Result<void>{};
}

// [RFC3501 7.4.1] Each EXPUNGE renumbers what is behind it at once.
Task<Result<void>> Session::tell_expunged(const std::vector<std::uint32_t>& indexes) {
  if (qresync_) co_return co_await tell_vanished(indexes);
  std::uint32_t gone = 0;
  for (const auto index : indexes) {
    Writer(output()).untagged().number(index + 1 - gone).raw(" EXPUNGE").crlf();
    ++gone;
    if (gone % 1024 == 0) CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

// [RFC7162 3.2.10] VANISHED takes the place of EXPUNGE.
Task<Result<void>> Session::tell_vanished(const std::vector<std::uint32_t>& indexes) {
  constexpr std::size_t kLine = 2000;  // UIDs in one response
  for (std::size_t i = 0; i < indexes.size(); i += kLine) {
    NumberSet uids;
    for (auto j = i; j < std::min(i + kLine, indexes.size()); ++j) uids.push_back(selected_->told->at(indexes[j]).uid.value());
    Writer(output()).untagged().raw("VANISHED ").set(uids).crlf();
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

Task<Result<void>> Session::tell_flags(const store::View& shown, const std::vector<std::uint32_t>& changed, WithUid with_uid,
                                       const OwnChange* own) {
  if (changed.empty() && (own == nullptr || own->touched.empty())) co_return Result<void>{};
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return Result<void>{};
  tell_new_keywords(*state);
  const auto& told = *selected_->told;
  const auto effect = own != nullptr ? effect_of(*own->change, *state) : FlagEffect{};
  std::size_t c = 0, t = 0;
  const std::size_t touched_count = own != nullptr ? own->touched.size() : 0;
  while (c < changed.size() || t < touched_count) {
    const auto touched_index = t < touched_count ? shown.lower_bound(own->touched[t]) : shown.size();
    const auto index = c < changed.size() ? std::min(changed[c], touched_index) : touched_index;
    if (index >= shown.size()) break;
    const bool is_changed = c < changed.size() && changed[c] == index;
    const bool is_touched = touched_index == index && shown.at(index).uid == own->touched[t];
    c += is_changed;
    t += is_touched || touched_index == index;
    const auto& entry = shown.at(index);
    const auto before = told.find(entry.uid);
    if (!before) continue;  // it arrives with this very version; EXISTS comes first
    const auto& known = told.at(*before);
    const bool with_flags = !is_touched ? !same_flags(known, entry) : !own->silent || !effect.explains(known, entry);
    // [RFC7162 3.1.3] The new MODSEQ is told even if the flags are not.
    const bool with_mod_seq = condstore_ && (is_changed || (is_touched && own->conditional));
    if (with_flags || with_mod_seq) put_flags_fetch(shown, index, with_flags, with_uid, *state);
    if (output().size() > 60'000) CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

void Session::put_flags_fetch(const store::View& shown, std::uint32_t index, bool with_flags, WithUid with_uid,
                              const store::MailboxState& state) {
  const auto& entry = shown.at(index);
  Writer w(output());
  w.untagged().number(index + 1).raw(" FETCH (");
  const char* separator = "";
  // [RFC7162 3.2.4] says to add the UID as soon as MODSEQ is told.
  if (with_uid == WithUid::yes || condstore_) {
    w.raw("UID ").number(entry.uid.value());
    separator = " ";
  }
  if (with_flags) {
    w.raw(separator).raw("FLAGS ");
    put_flags(output(), entry, selected_->is_recent(entry.uid), state);
    separator = " ";
  }
  if (condstore_) w.raw(separator).raw("MODSEQ (").number(entry.mod_seq.value()).raw(")");
  w.close().crlf();
}

Task<Result<void>> Session::tell_arrivals() {
  Writer(output()).untagged().number(selected_->told->size()).raw(" EXISTS").crlf();
  // In IDLE the client hears of new mail before we make the note that it is not recent for anybody else.
  if (idling_) CO_TRY_OK(co_await flush());
  co_await take_recent();
  put_recent();
  const auto state = selected_->account->mailbox(selected_->id);
  if (state) tell_new_keywords(*state);
  co_return Result<void>{};
}

void Session::put_recent() {
  if (rev2_) return;  // [RFC9051 F] there is no \Recent any more
  Writer(output()).untagged().number(selected_->count_recent()).raw(" RECENT").crlf(); }

// [RFC3501 2.3.2] Where it cannot be known who was told first, a message may be recent in more than one session.
Task<> Session::take_recent() {
  if (rev2_) co_return;
  const auto id = selected_->id;
  if (selected_->read_only) {
    const auto first = selected_->account->peek_recent(id);
    if (first && selected_->recent.empty()) selected_->add_recent({*first, Uid(0xFFFFFFFF)});
    co_return;
  }
  auto first = co_await selected_->account->claim_recent(id);
  const auto state = selected_->account->mailbox(id);
  if (!first || !state || state->recent_from <= *first) co_return;  // a failure costs the flag, not the session
  selected_->add_recent({*first, Uid(state->recent_from.value() - 1)});
}

void Session::tell_new_keywords(const store::MailboxState& state) {
  if (state.keywords.size() <= selected_->keywords_told) return;
  selected_->keywords_told = state.keywords.size();
  put_flags_lines(output(), state, selected_->changeable());
}

void Session::enable_condstore() {
  if (!offers("CONDSTORE") || std::exchange(condstore_, true) || !selected_) return;
  Writer(output()).untagged_status("OK", "HIGHESTMODSEQ " + std::to_string(selected_->mod_seq.value()), "Mod-sequences are told now");
}

void Session::unselect() {
  selected_.reset();
  if (state_ == State::selected) state_ = State::authenticated;
}

}  // namespace posthorn::imap
