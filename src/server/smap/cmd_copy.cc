// EXPUNGE, COPY and MOVE. [SMAP1 8]
#include <utility>

#include "proto/smap/message_set.h"
#include "proto/smap/words.h"
#include "server/smap/session.h"

namespace posthorn::smap {
namespace {

constexpr std::string_view kSyntaxError = "Syntax error.";

}  // namespace

Session::Outcome Session::cmd_expunge(Words& words) {
  const bool has_set = !words.at_end();
  CO_TRY(const auto set, take_message_set(words));
  // What was meant by something else cannot be undone.
  if ((has_set && set.empty()) || !words.at_end()) co_return err(kSyntaxError);
  if (!folder_->rights.contains(store::kExpunge)) co_return std::unexpected(needs_right('e'));
  if (has_set) {
    if (!folder_->rights.contains(store::kDeleteMessages)) co_return std::unexpected(needs_right('t'));
    const auto ranges = indexes_of(set, *folder_->told);
    if (!ranges.empty()) CO_TRY_OK(co_await folder_->account->remove(folder_->id, store::uids_of(ranges, *folder_->told)));
  } else {
    CO_TRY_OK(co_await folder_->account->expunge(folder_->id));
  }
  CO_TRY_OK(co_await tell_changes());
  co_return ok("Folder updated");
}

Session::Outcome Session::cmd_copy(Words& words) { co_return co_await copy_or_move(words, false); }
Session::Outcome Session::cmd_move(Words& words) { co_return co_await copy_or_move(words, true); }

Session::Outcome Session::copy_or_move(Words& words, bool move) {
  CO_TRY(const auto set, take_message_set(words));
  if (set.empty() || words.at_end() || !words.take().empty()) co_return err(kSyntaxError);
  CO_TRY(auto path, take_path(words));
  if (move && !folder_->rights.contains(store::kExpunge)) co_return std::unexpected(needs_right('e'));
  if (move && !folder_->rights.contains(store::kDeleteMessages)) co_return std::unexpected(needs_right('t'));
  CO_TRY(auto target, co_await locate(std::move(path), store::kInsert));
  const auto ranges = indexes_of(set, *folder_->told);
  if (ranges.empty()) co_return ok("No message to copy.");
  auto uids = store::uids_of(ranges, *folder_->told);
  auto& store = context_.services.store;
  // [RFC4315 3] Who may not read the target is not told what is in it.
  const bool may_read = target.rights.contains(store::kRead);
  Result<store::CopyResult> result;
  if (move) {
    result = co_await store.move(folder_->account, folder_->id, std::move(uids), std::move(target.account), target.state->id, target.rights);
  } else {
    result = co_await store.copy(folder_->account, folder_->id, std::move(uids), std::move(target.account), target.state->id, target.rights);
  }
  CO_TRY_OK(result);
  if (may_read) CO_TRY_OK(co_await put_copies(*result));
  if (move) CO_TRY_OK(co_await tell_changes());
  if (result->stopped) co_return std::unexpected(*std::move(result->stopped));
  co_return ok("Messages copied.");
}

// `result` lives in the caller's frame.
Task<Result<void>> Session::put_copies(const store::CopyResult& result) {
  for (std::size_t i = 0; i < result.from.size(); ++i) {
    const auto index = folder_->told->find(result.from[i]);
    if (!index) continue;
    output().append("* COPY ").append(std::to_string(*index + 1)).append(" ");
    put_attribute(output(), "NEWUID", uid_word(result.uid_validity, result.to[i]));
    end_line();
    CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

}  // namespace posthorn::smap
