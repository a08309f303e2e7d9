// STORE. [SMAP1 7]
#include <utility>

#include "proto/smap/fetch_item.h"
#include "proto/smap/flags.h"
#include "proto/smap/message_set.h"
#include "server/smap/session.h"
#include "text/date.h"

namespace posthorn::smap {
namespace {

store::FlagsOp op_of(StoreSetting::Action action) {
  switch (action) {
    case StoreSetting::Action::replace: return store::FlagsOp::replace;
    case StoreSetting::Action::add: return store::FlagsOp::add;
    case StoreSetting::Action::remove: return store::FlagsOp::remove;
  }
  return store::FlagsOp::replace;
}

// nullopt: there is nothing to do.
Result<std::optional<store::FlagsChange>> change_of(const StoreSetting& setting) {
  using What = StoreSetting::What;
  store::FlagsChange change{.op = op_of(setting.action)};
  switch (setting.what) {
    case What::unknown: return std::nullopt;
    case What::flags:
      change.scope = store::FlagsScope::system;
      change.system = parse_flag_list(setting.value);
      break;
    case What::keywords: {
      change.scope = store::FlagsScope::keywords;
      TRY(change.keywords, parse_keyword_list(setting.value));
      break;
    }
    case What::internal_date: {
      const auto date = text::parse_rfc5322_date(setting.value);
      if (!date) return std::nullopt;
      change.scope = store::FlagsScope::none;
      change.internal_date = {.seconds = date->time.time_since_epoch().count(), .zone_minutes = date->offset_minutes};
      break;
    }
  }
  return change;
}

store::EntryPart part_of(StoreSetting::What what) {
  if (what == StoreSetting::What::flags) return store::EntryPart::flags;
  return what == StoreSetting::What::keywords ? store::EntryPart::keywords : store::EntryPart::internal_date;
}

}  // namespace

Session::Outcome Session::cmd_store(Words& words) {
  CO_TRY(const auto set, take_message_set(words));
  if (set.empty()) co_return err("Syntax error.");
  const auto ranges = indexes_of(set, *folder_->told);
  while (!words.at_end() && !ranges.empty()) CO_TRY_OK(co_await store_one(ranges, parse_store_setting(words.take())));
  co_return ok("Folder status updated");
}

// `ranges` lives in the caller's frame.  Flags that the user may not change stay, and are told as they are; so are those of messages that
// have gone [SMAP1 5.2].
Task<Result<void>> Session::store_one(const store::IndexRanges& ranges, StoreSetting setting) {
  CO_TRY(auto change, change_of(setting));
  if (!change) co_return Result<void>{};
  change->rights = folder_->rights;
  const auto uids = store::uids_of(ranges, *folder_->told);
  auto changed = co_await folder_->account->change_flags(folder_->id, uids, *std::move(change));
  if (!changed && changed.error().code != Errc::not_found) co_return std::unexpected(std::move(changed).error());
  if (changed) adopt(*changed->view, uids, part_of(setting.what));
  const auto state = folder_->state();
  if (setting.what == StoreSetting::What::internal_date || !state) co_return Result<void>{};
  for (const auto& range : ranges) {
    for (auto index = range.from; index < range.to; ++index) {
      const auto& entry = folder_->told->at(index);
      output().append("* FETCH ").append(std::to_string(index + 1)).append(" ");
      if (setting.what == StoreSetting::What::flags) put_flags(output(), entry);
      else put_keywords(output(), entry, *state);
      end_line();
      CO_TRY_OK(co_await flush_if_large());
    }
  }
  co_return Result<void>{};
}

}  // namespace posthorn::smap
