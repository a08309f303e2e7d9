// Files that have gone from one folder and come to another under the same name.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "sync/folders.h"
#include "sync/journal.h"
#include "sync/local_folder.h"
#include "sync/match.h"

namespace posthorn::sync {
namespace {

using GoneFrom = std::unordered_map<std::string, std::string_view>;  // the mailbox, by the unique of a message whose file has left it
using Moves = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;  // uniques, by mailboxes from and to

Result<Journal> open_journal(const TreeRun& run, const std::string& name) {
  TRY(const auto path, run.tree.path_of(run.here.at(name)));
  return Journal::open(path, run.options.account);
}

Result<void> find_gone(const TreeRun& run, const std::string& name, GoneFrom& gone) {
  TRY(const auto folder, run.tree.open_folder(run.here.at(name)));
  TRY(const auto journal, open_journal(run, name));
  if (journal.state().mailbox != name) return {};
  TRY(const auto entries, folder.list());
  std::unordered_set<std::string_view> here;
  for (const auto& entry : entries) here.insert(entry.name.unique);
  for (const auto& [unique, uid] : journal.state().by_unique)
    if (!here.contains(unique)) gone.emplace(unique, name);
  return {};
}

// Where there are several copies, one of them is it.
Result<void> find_moves(const TreeRun& run, const std::string& name, GoneFrom& gone, Moves& moves) {
  TRY(const auto folder, run.tree.open_folder(run.here.at(name)));
  TRY(auto entries, folder.list());
  std::erase_if(entries, [&gone](const auto& entry) { return !gone.contains(entry.name.unique); });
  if (entries.empty()) return {};
  TRY(const auto journal, open_journal(run, name));
  const auto& state = journal.state();
  for (const auto& entry : entries) {
    const auto& unique = entry.name.unique;
    // What was begun may be there already: that is found out with its folder, and the other one is deleted there with its own.
    if (state.by_unique.contains(unique) || state.uploads.contains(unique)) continue;
    const auto from = gone.find(unique);
    moves[{std::string(from->second), name}].push_back(unique);
    gone.erase(from);
  }
  return {};
}

// Those that are the same messages: a name may also have been given to another one.
Task<Result<std::vector<std::string>>> verified(TreeRun& run, const Journal& from, std::string to_name, std::vector<std::string> uniques) {
  CO_TRY(auto folder, run.tree.open_folder(run.here.at(to_name)));
  CO_TRY(auto local, LocalFolder::open(std::move(folder)));
  const auto& known = from.state().by_unique;
  std::vector<imap::NumberRange> ranges;
  for (const auto& unique : uniques) ranges.push_back({known.at(unique), known.at(unique)});
  CO_TRY(const auto there, co_await fingerprints_there(run.connection, imap::NumberSet(std::move(ranges))));
  std::vector<std::string> out;
  for (auto& unique : uniques) {
    const auto at = std::ranges::find(there.uids, known.at(unique));
    const auto mine = local.has(unique) ? local.fingerprint(unique) : Result<Fingerprint>(fail(Errc::not_found));
    if (at == there.uids.end() || !mine) continue;
    if (!match({&*mine, 1}, {&there.prints[static_cast<std::size_t>(at - there.uids.begin())], 1}).empty()) out.push_back(std::move(unique));
  }
  co_return out;
}

// A copy and a deletion: who is killed between them has to find the copy again.
bool moves_at_once(const client::ImapConnection& c) { return c.has("MOVE") || c.has("IMAP4REV2"); }

Task<Result<void>> move_between(TreeRun& run, std::string from_name, std::string to_name, std::vector<std::string> uniques) {
  CO_TRY(auto from, open_journal(run, from_name));
  CO_TRY(auto to, open_journal(run, to_name));
  // What has never been matched is so as a whole, with what is moved now: a first message that is known would make all others new on both sides.
  const bool known = to.state().mailbox == to_name && !(to.state().messages.empty() && to.state().uploads.empty());
  if (!known && !moves_at_once(run.connection)) co_return Result<void>{};
  CO_TRY(const auto selected, co_await run.connection.select(from_name));
  if (selected.read_only || selected.uid_validity != from.state().uid_validity) co_return Result<void>{};
  std::erase_if(uniques, [&from](const auto& unique) { return !from.state().by_unique.contains(unique); });
  if (uniques.empty()) co_return Result<void>{};
  CO_TRY(uniques, co_await verified(run, from, to_name, std::move(uniques)));
  if (uniques.empty()) co_return Result<void>{};
  std::vector<imap::NumberRange> ranges;
  for (const auto& unique : uniques) {
    const auto uid = from.state().by_unique.at(unique);
    ranges.push_back({uid, uid});
  }
  // As an upload: after a crash what has arrived is looked for. [docs/formats/sync.md]
  if (known) {
    for (const auto& unique : uniques) to.put_upload(unique);
    CO_TRY_OK(to.sync());
  }
  auto pairs = co_await run.connection.move(imap::NumberSet(std::move(ranges)), to_name);
  if (!pairs && !run.connection.is_usable()) co_return std::unexpected(pairs.error());
  if (!pairs) co_return Result<void>{};  // then they are sent and deleted, which comes to the same
  for (const auto& pair : *pairs) {
    const auto at = from.state().messages.find(pair.uid);
    if (at == from.state().messages.end()) continue;
    const auto message = at->second;
    if (known && pair.new_uid_validity == to.state().uid_validity) to.put_message(pair.new_uid, message.flags, message.unique);
    from.put_gone(pair.uid);
    ++run.report.moved;
  }
  CO_TRY_OK(to.write());
  co_return from.write();
}

}  // namespace

Task<Result<void>> carry_moves(TreeRun& run, const std::set<std::string>& changed) {
  if (changed.size() < 2) co_return Result<void>{};
  GoneFrom gone;
  for (const auto& name : changed) CO_TRY_OK(find_gone(run, name, gone));
  if (gone.empty()) co_return Result<void>{};
  Moves moves;
  for (const auto& name : changed) CO_TRY_OK(find_moves(run, name, gone, moves));
  for (auto& [between, uniques] : moves) CO_TRY_OK(co_await move_between(run, between.first, between.second, std::move(uniques)));
  co_return Result<void>{};
}

}  // namespace posthorn::sync
