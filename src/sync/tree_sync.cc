#include "sync/tree_sync.h"

#include <algorithm>

#include "sync/folders.h"
#include "sync/settling.h"

namespace posthorn::sync {
namespace {

using Changed = mailfile::MaildirFolder::Changed;

bool is_same(const imap::StatusItems& now, const Agreed& then) {
  return then.mod_seq != 0 && now.uid_validity == then.uid_validity && now.uid_next == then.uid_next && now.messages == then.messages &&
         now.high_mod_seq == then.mod_seq;
}

// Nothing has happened in it since both sides were alike.
bool may_skip(const TreeRun& run, const std::string& name) {
  const auto known = run.known.find(name);
  const auto& status = run.there.at(name).status;
  if (known == run.known.end() || !status || !is_same(*status, known->second.agreed)) return false;
  if (known->second.changed == Changed()) return false;
  const auto folder = run.tree.open_folder(run.here.at(name));
  const auto changed = folder ? folder->changed() : Result<Changed>(fail(Errc::io));
  return changed && *changed == known->second.changed;
}

bool may_empty(const client::MailboxInfo& info) {
  constexpr auto kUses = static_cast<std::uint8_t>(imap::SpecialUse::trash) | static_cast<std::uint8_t>(imap::SpecialUse::junk);
  return (info.special_uses & kUses) != 0 || info.name == "Trash" || info.name == "Junk";
}

// Somebody has deleted or renamed it since we listed them.
Task<Result<bool>> has_gone_meanwhile(TreeRun& run, std::string name) {
  client::ListWants wants;
  wants.pattern = name;
  CO_TRY(const auto found, co_await run.connection.list(wants));
  co_return std::ranges::none_of(found, [&name](const auto& one) { return one.name == name && one.selectable; });
}

Task<Result<void>> sync_one(TreeRun& run, std::string name, Settling& settling) {
  CO_TRY(const auto folder, run.tree.open_folder(run.here.at(name)));
  FolderJob job{.connection = run.connection,
                .options = run.options,
                .report = run.report,
                .pool = run.pool,
                .mailbox = name,
                .folder = folder,
                .mailbox_id = run.known.contains(name) ? run.known.at(name).mailbox_id : std::string(),
                .may_empty = may_empty(run.there.at(name))};
  auto alike = co_await sync_folder(job);
  if (!alike) {
    // A mailbox that cannot be selected is no reason to leave the others.
    const auto code = alike.error().code;
    const bool of_mailbox = code == Errc::not_found || code == Errc::invalid || code == Errc::denied || code == Errc::busy || code == Errc::unsupported;
    if (!of_mailbox || !run.connection.is_usable()) co_return std::unexpected(alike.error());
    bool gone = false;
    if (code == Errc::not_found || code == Errc::invalid) {  // Dovecot does not always say which
      CO_TRY(gone, co_await has_gone_meanwhile(run, name));
    }
    if (!gone) {
      run.problem(name + ": " + alike.error().text);
      co_return Result<void>{};
    }
    run.report.notes.push_back(name + ": it has gone from the server meanwhile; the next run takes that up");
    run.known.try_emplace(name);  // it was there, and is not to be made there again
    co_return Result<void>{};
  }
  auto& known = run.known[name];
  known.agreed = alike->agreed;
  known.changed = {};
  known.mailbox_id = alike->mailbox_id;
  if (known.agreed.mod_seq != 0) settling.add(name, folder, alike->names);
  co_return Result<void>{};
}

// In another layout a folder that is known is another directory: it would count as deleted here.
Result<void> check_layout(const TreeRun& run) {
  const auto& root = run.tree.root();
  const auto now = run.tree.layout(), before = read_layout(root).value_or(now);
  if (before == now) return {};
  for (const auto& [name, known] : run.known) {
    const auto path = path_of(run, name);
    if (!path || *path == mailfile::FolderPath{"INBOX"}) continue;
    const auto was = mailfile::folder_to_path(*path, before).value_or(""), is = mailfile::folder_to_path(*path, now).value_or("");
    if (was != is)
      return fail(Errc::denied, root + " was laid out as " + std::string(to_string(before)) + " and looks like " + std::string(to_string(now)) + " now, where " + was +
                                    " would be " + is + ": move away what lies otherwise; or remove " + root + "/.posthorn-sync-tree, and it stays as it looks");
  }
  return {};
}

Task<Result<void>> sync_all(TreeRun& run, int probe) {
  CO_TRY_OK(finish_removals(run));
  // Of the mailbox that is still open Dovecot would tell what it was, even when it has been deleted. [RFC9051 6.3.11]
  CO_TRY_OK(co_await run.connection.unselect());
  CO_TRY_OK(co_await list_there(run));
  CO_TRY_OK(list_here(run));
  CO_TRY_OK(co_await carry_renames(run));
  CO_TRY_OK(co_await carry_folders(run));
  std::set<std::string> changed;
  for (const auto& [name, info] : run.there) {
    if (!run.here.contains(name)) continue;
    ++run.report.folders;
    if (may_skip(run, name)) ++run.report.skipped;
    else changed.insert(name);
  }
  CO_TRY_OK(co_await carry_moves(run, changed));
  Settling settling;
  for (const auto& name : changed) CO_TRY_OK(co_await sync_one(run, name, settling));
  co_await settling.finish(run.known, probe);
  co_return Result<void>{};
}

}  // namespace

Result<mailfile::MaildirTree> open_tree(const std::string& root, mailfile::MaildirLayout if_new) {
  return mailfile::MaildirTree::open(root, if_new, read_layout(root));
}

Task<Result<SyncReport>> sync_tree(client::ImapConnection& connection, const mailfile::MaildirTree& tree, const SyncOptions& options) {
  CO_TRY(const auto lock, lock_tree(tree.root()));
  WorkerPool pool(1);
  TreeRun run{.connection = connection, .tree = tree, .options = options, .pool = pool};
  CO_TRY(run.known, read_tree_file(tree.root(), options.account));
  CO_TRY_OK(check_layout(run));
  auto done = co_await sync_all(run, lock.fd());
  // What is known counts even when the run has ended early.
  auto written = write_tree_file(tree, options.account, run.known);
  CO_TRY_OK(std::move(done));
  CO_TRY_OK(std::move(written));
  co_return std::move(run.report);
}

}  // namespace posthorn::sync
