// Access control lists, and the index by which mailboxes of others are found.
#include <algorithm>
#include <iterator>

#include "kv/key_codec.h"
#include "store/change.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

using kv::Space;

// Whose index the mailbox is in.
std::vector<AccountId> grantees(const Acl& acl, AccountId owner) {
  std::vector<AccountId> out;
  for (const AclEntry& e : acl)
    if (!e.negative && e.who != owner) out.push_back(e.who);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

void index_shares(kv::Batch& batch, AccountId owner, MailboxId mailbox, const Acl& before, const Acl& after) {
  const auto had = grantees(before, owner), has = grantees(after, owner);
  for (AccountId who : had)
    if (!std::ranges::binary_search(has, who)) batch.erase(Space::share, who.value(), share_key(owner, mailbox));
  for (AccountId who : has)
    if (!std::ranges::binary_search(had, who)) batch.put(Space::share, who.value(), share_key(owner, mailbox), "");
}

Task<Result<void>> Account::set_acl(MailboxId id, Acl acl) {
  co_return co_await edit_acl(id, [&acl](Acl& now) { now = std::move(acl); });
}

Task<Result<void>> Account::edit_acl(MailboxId id, std::function<void(Acl&)> edit) {
  CO_TRY(auto change, co_await Change::begin(shared_from_this()));
  MailboxState* state = change.edit(id);
  if (!state) co_return fail(Errc::not_found, "the mailbox has been deleted");
  Acl acl = state->acl;
  edit(acl);
  std::erase_if(acl, [](const AclEntry& e) { return e.rights.empty(); });
  if (acl.size() > kMaxAclEntries) co_return fail(Errc::limit, "the access control list is too long");
  if (state->acl == acl) co_return Result<void>{};
  index_shares(change.batch(), id_, id, state->acl, acl);
  state->acl = std::move(acl);
  change.log(ChangeKind::rights, id);
  co_return co_await change.commit();
}

Task<Result<std::vector<Share>>> MailStore::shared_with(AccountId who, AnyoneIn anyone) {
  std::vector<kv::Range> ranges{{Space::share, who.value(), "", ""}};
  if (anyone.all) {
    ranges.push_back({Space::share, kAnyone.value(), "", ""});
  } else if (anyone.only != AccountId()) {
    ranges.push_back({Space::share, kAnyone.value(), share_key(anyone.only, MailboxId(0)), share_key(AccountId(anyone.only.value() + 1), MailboxId(0))});
  }
  std::vector<Share> out;
  for (auto& range : ranges) {
    for (bool more = true; more;) {
      CO_TRY(const auto rows, co_await kv_.scan(range));
      for (const auto& row : rows.rows) {
        range.from = row.key + '\0';
        if (row.key.size() != 12) co_return fail(Errc::corrupt, "share row is damaged");
        const AccountId owner(kv::get_be64(row.key));
        if (owner != who) out.push_back({owner, MailboxId(kv::get_be32(std::string_view(row.key).substr(8)))});
      }
      more = rows.more;
    }
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  co_return out;
}

}  // namespace posthorn::store
