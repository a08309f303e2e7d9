// Snapshots: what a client knew of a folder is told by one moment of the change log. [SMAP1 5.6]
//
// A snapshot is made only when the client knows everything up to a mod-sequence; so that number, how many messages there were and the last of
// their UIDs are all that must be remembered, and the client does so: the id has them, with a code that only we can make.
#include <algorithm>
#include <utility>

#include "proto/smap/words.h"
#include "server/smap/session.h"
#include "server/smap/snapshot_id.h"

namespace posthorn::smap {
namespace {

// The messages of the snapshot that are not in `now`, which is not older than what was asked for; by UID.
NumberRanges missing_from(const store::View& now, const store::UidSet& vanished, Uid last) {
  NumberRanges out;
  for (const auto& range : vanished) {
    if (range.first > last) break;
    std::uint64_t next = range.first.value();
    const std::uint64_t end = std::min(range.last, last).value();
    for (auto i = now.lower_bound(range.first); i < now.size() && now.at(i).uid.value() <= end; ++i) {
      const std::uint64_t uid = now.at(i).uid.value();
      if (next < uid) out.push_back({next, uid - 1});
      next = uid + 1;
    }
    if (next <= end) out.push_back({next, end});
  }
  return out;
}

std::uint64_t count(const NumberRanges& ranges) {
  std::uint64_t n = 0;
  for (const auto& range : ranges) n += range.last - range.first + 1;
  return n;
}

// From UIDs to numbers in the snapshot: what is there now, and what was missing before them.
NumberRanges numbers_of(const NumberRanges& missing, const store::View& now) {
  NumberRanges out;
  std::uint64_t before = 0;
  for (const auto& range : missing) {
    const auto first = now.lower_bound(Uid(static_cast<std::uint32_t>(range.first))) + before + 1;
    const auto length = range.last - range.first + 1;
    if (!out.empty() && out.back().last + 1 == first) out.back().last += length;
    else out.push_back({first, first + length - 1});
    before += length;
  }
  return out;
}

}  // namespace

void Session::put_snapshot() {
  // Only of a moment at which the client knew everything.
  const auto state = folder_->state();
  if (!state || state->highest_mod_seq != folder_->mod_seq || folder_->snapshot == folder_->mod_seq) return;
  const Snapshot snapshot{.owner = folder_->account->id(), .mailbox = folder_->id, .uid_validity = state->uid_validity, .mod_seq = folder_->mod_seq,
                          .messages = folder_->told->size(), .last_uid = folder_->told->last_uid()};
  output() += "* SNAPSHOT ";
  put_word(output(), snapshot_id(snapshot, account_->id(), context_.services.directory.secret()));
  end_line();
  folder_->snapshot = folder_->mod_seq;
}

// `id` lives in the caller's frame.
Task<Result<bool>> Session::tell_since_snapshot(std::string_view id) {
  const auto state = folder_->state();
  const auto snapshot = parse_snapshot_id(id, account_->id(), context_.services.directory.secret());
  if (!state || !snapshot || snapshot->owner != folder_->account->id() || snapshot->mailbox != folder_->id || snapshot->uid_validity != state->uid_validity)
    co_return false;
  const auto now = folder_->told;
  const auto since = snapshot->mod_seq;
  if (since > folder_->mod_seq) co_return false;  // of a time that a restored copy of the store does not know
  NumberRanges missing;
  if (since < folder_->mod_seq) {
    CO_TRY(const auto vanished, co_await folder_->account->vanished_since(folder_->id, since));
    if (!vanished) co_return false;
    missing = missing_from(*now, *vanished, snapshot->last_uid);
  }
  const auto known = store::index_after(*now, snapshot->last_uid);  // so many of the snapshot's messages are still there
  if (known + count(missing) != snapshot->messages) co_return false;
  output() += "* SNAPSHOTEXISTS ";
  put_word(output(), id);
  end_line();
  folder_->snapshot = since;
  const auto gone = numbers_of(missing, *now);
  CO_TRY_OK(co_await put_expunged(gone));
  if (now->size() > known) put_line("* EXISTS " + std::to_string(now->size()));
  // The view may be newer than the state: what is in it is told.
  for (std::size_t p = 0; p < now->pages().size(); ++p) {
    if (now->pages()[p]->highest_mod_seq <= since) continue;
    const auto from = now->first_index(p);
    for (std::uint32_t i = 0; i < now->pages()[p]->entries.size() && from + i < known; ++i) {
      if (now->pages()[p]->entries[i].mod_seq <= since) continue;
      put_change(*now, from + i, *state);
      CO_TRY_OK(co_await flush_if_large());
    }
  }
  co_return true;
}

}  // namespace posthorn::smap
