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

// Errc::not_found without text: the target is missing.  Errc::invalid: some messages are gone.
Task<Result<store::CopyResult>> Session::copy_or_move(const SequenceSet& set, bool uid, std::string_view mailbox, bool move) {
  CO_TRY(const auto ranges, resolve(set, Numbers(uid), *selected_));
  const auto target = selected_->account->find_mailbox(mailbox);
  if (!target) co_return fail(Errc::not_found);
  if (ranges.empty()) co_return store::CopyResult{};
  if (!uid) {
    // [RFC3501 6.4.7] All or nothing; UIDs that nobody has are passed over instead [RFC3501 6.4.8].
    CO_TRY(const auto now, co_await selected_->account->view(selected_->id));
    if (count_gone(ranges, *selected_->told, *now) > 0) co_return fail(Errc::invalid);
  }
  auto uids = uids_of(ranges, *selected_->told);
  if (move) co_return co_await selected_->account->move(selected_->id, std::move(uids), target->id);
  co_return co_await selected_->account->copy(selected_->id, std::move(uids), target->id);
}

namespace {

Result<Reply> copy_failed(Error error) {
  if (error.code == Errc::not_found) return no("There is no such mailbox", "TRYCREATE");  // [RFC3501 6.4.7]
  if (error.code == Errc::invalid) return no("Some of the messages no longer exist", "EXPUNGEISSUED");
  return std::unexpected(std::move(error));
}

}  // namespace

Task<Result<Reply>> Session::cmd_copy(Command& command) {
  const auto& copy = std::get<Copy>(command.command);
  auto result = co_await copy_or_move(copy.set, command.uid, copy.mailbox, false);
  if (!result) co_return copy_failed(std::move(result).error());
  co_return ok("COPY completed", copyuid_code(*result));
}

Task<Result<Reply>> Session::cmd_move(Command& command) {
  const auto& move = std::get<Move>(command.command);
  auto result = co_await copy_or_move(move.set, command.uid, move.mailbox, true);
  if (!result) co_return copy_failed(std::move(result).error());
  // [RFC6851 4.3] COPYUID in an untagged OK, before the EXPUNGE responses that the dispatcher tells.
  if (const auto code = copyuid_code(*result); !code.empty()) Writer(output()).untagged_status("OK", code, "Moved");
  co_return ok("MOVE completed");
}

}  // namespace posthorn::imap
