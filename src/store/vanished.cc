// What the change log says about messages that have gone.
#include "kv/key_codec.h"
#include "store/account_rows.h"
#include "store/mail_store.h"
#include "store/rows.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::size_t kMaxRows = 100'000;  // of the log, read for one answer

}  // namespace

Task<Result<std::optional<UidSet>>> Account::vanished_since(MailboxId mailbox, ModSeq since) {
  const std::optional<UidSet> unknown;
  auto at = store_.kv().snapshot();
  CO_TRY(auto row, co_await store_.kv().get(Space::account, id_.value(), std::string(kCoreKey), at));
  if (!row) co_return fail(Errc::not_found, "the account has been removed");
  CO_TRY(auto core, decode_core(*row));
  if (since >= core.mod_seq) co_return UidSet{};
  if (since.value() + 1 < core.change_floor.value()) co_return unknown;
  std::vector<UidRange> gone;
  kv::Range range{Space::change, id_.value(), change_key(ModSeq(since.value() + 1), MailboxId(0), ChangeKind{}), ""};
  const std::string wanted = change_key(ModSeq(0), mailbox, ChangeKind::removed).substr(8);
  std::size_t read = 0;
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store_.kv().scan(range, at));
    for (const auto& r : rows.rows) {
      range.from = r.key + '\0';
      if (!r.key.ends_with(wanted)) continue;
      CO_TRY(auto uids, decode_uids(r.value));
      gone.insert(gone.end(), uids.begin(), uids.end());
    }
    read += rows.rows.size();
    if (read > kMaxRows || gone.size() > kMaxRows) co_return unknown;
    more = rows.more;
  }
  co_return make_uid_set(std::move(gone));
}

Task<Result<std::uint64_t>> Account::deleted_bytes(MailboxId id) {
  auto state = mailbox(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  if (state->deleted_bytes) co_return *state->deleted_bytes;
  CO_TRY(auto now, co_await view(id));
  co_return store::deleted_bytes(*now);
}

}  // namespace posthorn::store
