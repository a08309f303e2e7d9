// COPY [RFC3501 6.4.7] and MOVE [RFC6851], with COPYUID [RFC4315 3].
#include <utility>

#include "proto/imap/writer.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

// Empty when nothing was copied.
std::string copyuid_code(const store::CopyResult& result) {
  std::string code;
  if (result.from.empty()) return code;
  code = "COPYUID " + std::to_string(result.uid_validity.value()) + " ";
  Writer(code).uids(result.from).sp().uids(result.to);
  return code;
}

}  // namespace

// `mailbox` lives in the command.  Errc::not_found: the target is missing.  Errc::invalid: some messages are gone.
Task<Result<store::CopyResult>> Session::copy_or_move(const SequenceSet& set, bool uid, const std::string& mailbox, bool move) {
  CO_TRY(const auto ranges, resolve(set, Numbers(uid), *selected_));
  // [RFC6851 4.2] What STORE \Deleted and EXPUNGE need.
  if (move && !selected_->rights.contains(store::kDeleteMessages | store::kExpunge)) co_return fail(Errc::denied);
  CO_TRY(auto target, co_await access_.locate(mailbox, store::kInsert));
  if (ranges.empty()) co_return store::CopyResult{};
  if (!uid) {
    // [RFC3501 6.4.7] All or nothing; UIDs that nobody has are passed over instead [RFC3501 6.4.8].
    CO_TRY(const auto now, co_await selected_->account->view(selected_->id));
    if (count_gone(ranges, *selected_->told, *now) > 0) co_return fail(Errc::invalid);
  }
  auto uids = uids_of(ranges, *selected_->told);
  auto& store = context_.services.store;
  const bool may_read = target.rights.contains(store::kRead);
  Result<store::CopyResult> result;
  if (move) {
    result = co_await store.move(selected_->account, selected_->id, std::move(uids), std::move(target.account), target.state->id, target.rights);
  } else {
    result = co_await store.copy(selected_->account, selected_->id, std::move(uids), std::move(target.account), target.state->id, target.rights);
  }
  // [RFC4315 3] Who may not read the target is not told what is in it.
  if (result && !(may_read && offers("UIDPLUS"))) result->from.clear();
  co_return result;
}

namespace {

Result<Reply> copy_failed(Error error, std::string_view mailbox) {
  // [RFC3501 6.4.7] TRYCREATE would be false hope where only the owner makes mailboxes.
  const bool could_create = !mailbox.starts_with(kOtherUsers) && !mailbox.starts_with(kShared);
  if (error.code == Errc::not_found) return no("There is no such mailbox", could_create ? "TRYCREATE" : "NONEXISTENT");
  if (error.code == Errc::invalid) return no("Some of the messages no longer exist", "EXPUNGEISSUED");
  return std::unexpected(std::move(error));
}

// [RFC6851 3.3] The others are where they were.
Reply moved_in_part(Error error, std::string_view mailbox) {
  auto reply = copy_failed(error, mailbox).value_or(response_for(error));
  reply.text = "Only some of the messages were moved: " + reply.text;
  return reply;
}

}  // namespace

Task<Result<Reply>> Session::cmd_copy(Command& command) {
  const auto& copy = std::get<Copy>(command.command);
  auto result = co_await copy_or_move(copy.set, command.uid, copy.mailbox, false);
  if (!result) co_return copy_failed(std::move(result).error(), copy.mailbox);
  co_return ok("COPY completed", copyuid_code(*result));
}

Task<Result<Reply>> Session::cmd_move(Command& command) {
  const auto& move = std::get<Move>(command.command);
  auto result = co_await copy_or_move(move.set, command.uid, move.mailbox, true);
  if (!result) co_return copy_failed(std::move(result).error(), move.mailbox);
  // [RFC6851 4.3] COPYUID in an untagged OK, before the EXPUNGE responses that the dispatcher tells.
  if (const auto code = copyuid_code(*result); !code.empty()) Writer(output()).untagged_status("OK", code, "Moved");
  auto reply = result->stopped ? moved_in_part(*std::move(result->stopped), move.mailbox) : ok("MOVE completed");
  reply.expunged = result->source_view != nullptr;
  co_return reply;
}

}  // namespace posthorn::imap
