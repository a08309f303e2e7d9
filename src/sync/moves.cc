// Files that have gone from one folder and come to another under the same name.
#include <algorithm>
#include <unordered_map>

#include "sync/folders.h"
#include "sync/journal.h"
#include "sync/local_folder.h"
#include "sync/match.h"

namespace posthorn::sync {
namespace {

struct Scanned {
  Journal journal;
  std::set<std::string> gone, fresh;  // uniques
};

Result<Scanned> scan(const TreeRun& run, const std::string& name) {
  TRY(const auto folder, run.tree.open_folder(run.here.at(name)));
  TRY(auto journal, Journal::open(folder.path(), run.options.account));
  TRY(const auto entries, folder.list());
  Scanned out{.journal = std::move(journal), .gone = {}, .fresh = {}};
  std::set<std::string_view> here;
  for (const auto& entry : entries) {
    here.insert(entry.name.unique);
    if (!out.journal.state().by_unique.contains(entry.name.unique)) out.fresh.insert(entry.name.unique);
  }
  if (out.journal.state().mailbox != name) return out;
  for (const auto& [unique, uid] : out.journal.state().by_unique)
    if (!here.contains(unique)) out.gone.insert(unique);
  return out;
}

// Those that are the same messages: a name may also have been given to another one.
Task<Result<std::vector<std::string>>> verified(TreeRun& run, const Scanned& from, std::string to_name, std::vector<std::string> uniques) {
  CO_TRY(auto folder, run.tree.open_folder(run.here.at(to_name)));
  CO_TRY(auto local, LocalFolder::open(std::move(folder)));
  const auto& known = from.journal.state().by_unique;
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

Task<Result<void>> move_between(TreeRun& run, Scanned& from, std::string from_name, Scanned& to, std::string to_name, std::vector<std::string> uniques) {
  CO_TRY(const auto selected, co_await run.connection.select(from_name));
  if (selected.read_only || selected.uid_validity != from.journal.state().uid_validity) co_return Result<void>{};
  CO_TRY(uniques, co_await verified(run, from, to_name, std::move(uniques)));
  if (uniques.empty()) co_return Result<void>{};
  std::vector<imap::NumberRange> ranges;
  for (const auto& unique : uniques) {
    const auto uid = from.journal.state().by_unique.at(unique);
    ranges.push_back({uid, uid});
  }
  // As an upload: after a crash what has arrived is looked for. [docs/formats/sync.md]
  const bool known = to.journal.state().mailbox == to_name;
  if (known) {
    for (const auto& unique : uniques) to.journal.put_upload(unique);
    CO_TRY_OK(to.journal.sync());
  }
  auto pairs = co_await run.connection.move(imap::NumberSet(std::move(ranges)), to_name);
  if (!pairs && !run.connection.is_usable()) co_return std::unexpected(pairs.error());
  if (!pairs) co_return Result<void>{};  // then they are sent and deleted, which comes to the same
  for (const auto& pair : *pairs) {
    const auto at = from.journal.state().messages.find(pair.uid);
    if (at == from.journal.state().messages.end()) continue;
    const auto message = at->second;
    if (known && pair.new_uid_validity == to.journal.state().uid_validity) to.journal.put_message(pair.new_uid, message.flags, message.unique);
    from.journal.put_gone(pair.uid);
    ++run.report.moved;
  }
  CO_TRY_OK(to.journal.write());
  co_return from.journal.write();
}

}  // namespace

Task<Result<void>> carry_moves(TreeRun& run, const std::set<std::string>& changed) {
  if (changed.size() < 2) co_return Result<void>{};
  std::map<std::string, Scanned> scanned;
  std::unordered_map<std::string, std::string> gone_from;
  for (const auto& name : changed) {
    CO_TRY(auto one, scan(run, name));
    for (const auto& unique : one.gone) gone_from.emplace(unique, name);
    scanned.emplace(name, std::move(one));
  }
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> moves;
  for (const auto& [name, one] : scanned)
    for (const auto& unique : one.fresh)
      if (const auto from = gone_from.find(unique); from != gone_from.end()) {
        moves[{from->second, name}].push_back(unique);
        gone_from.erase(from);  // where there are several copies, one of them is it
      }
  for (auto& [between, uniques] : moves)
    CO_TRY_OK(co_await move_between(run, scanned.at(between.first), between.first, scanned.at(between.second), between.second, std::move(uniques)));
  co_return Result<void>{};
}

}  // namespace posthorn::sync
