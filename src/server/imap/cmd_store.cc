// STORE and UID STORE. [RFC3501 6.4.6, 6.4.8] [RFC7162 3.1.3]
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

store::FlagsChange change_of(Store& store) {
  store::FlagsChange change;
  switch (store.action) {
    case Store::Action::replace: change.op = store::FlagsOp::replace; break;
    case Store::Action::add: change.op = store::FlagsOp::add; break;
    case Store::Action::remove: change.op = store::FlagsOp::remove; break;
  }
  change.system = store.flags.system & store::kAllSystemFlags;  // [RFC3501 2.3.2] \Recent is not the client's to change
  change.keywords = std::move(store.flags.keywords);
  return change;
}

// [RFC4314 4] One flag of those given is enough: clients do not bear NO well.  The others stay as they are.
bool may_change(store::Rights rights, const store::FlagsChange& change) {
  const auto system = changeable_flags(rights);
  if (change.op == store::FlagsOp::replace) return system != 0;
  if (change.system == 0 && change.keywords.empty()) return true;
  return (system & change.system) != 0 || (rights.contains(store::kWrite) && !change.keywords.empty());
}

// [RFC7162 3.1.3] MODIFIED names UIDs for UID STORE, sequence numbers for STORE.
std::string modified_code(const std::vector<Uid>& uids, bool as_uids, const store::View& told) {
  NumberSet set;
  for (const auto uid : uids) {
    if (as_uids) set.push_back(uid.value());
    else if (const auto index = told.find(uid)) set.push_back(*index + 1);
  }
  std::string code = "MODIFIED ";
  put_number_set(code, set);
  return code;
}

}  // namespace

Task<Result<Reply>> Session::cmd_store(Command& command) {
  auto& store = std::get<Store>(command.command);
  if (store.unchanged_since) enable_condstore();
  CO_TRY(const auto ranges, resolve(store.set, Numbers(command.uid), *selected_));
  if (ranges.empty()) co_return ok("STORE completed, there was nothing to change");
  const auto change = change_of(store);
  std::optional<ModSeq> unchanged_since;
  if (store.unchanged_since) unchanged_since = ModSeq(*store.unchanged_since);
  if (!may_change(selected_->rights, change)) co_return no("You may not change these flags here", "NOPERM");
  auto uids = uids_of(ranges, *selected_->told);
  auto copy = change;
  copy.rights = selected_->rights;
  CO_TRY(auto result, co_await selected_->account->change_flags(selected_->id, std::move(uids), std::move(copy), unchanged_since));

  const auto told_before = selected_->told;
  const OwnChange own{.touched = result.touched,
                      .change = &change,
                      .silent = store.silent,
                      .conditional = store.unchanged_since.has_value()};
  CO_TRY_OK(co_await tell(result.view, Expunges::keep, WithUid(command.uid), &own));

  std::string code;
  if (!result.modified.empty()) code = modified_code(result.modified, command.uid, *told_before);
  const bool some_gone = result.touched.size() + result.modified.size() < count(ranges);
  // [RFC2180 4.2.3] The others have been changed all the same.  UIDs that nobody has are no error [RFC3501 6.4.8].
  if (some_gone && !command.uid) co_return no("Some of the messages no longer exist", code.empty() ? "EXPUNGEISSUED" : code);
  co_return ok(result.modified.empty() ? "STORE completed" : "Conditional STORE failed for some", code);
}

}  // namespace posthorn::imap
