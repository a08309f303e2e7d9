#include "sync/folders.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sync/journal.h"
#include "sync/local_folder.h"
#include "text/ascii.h"

namespace posthorn::sync {
namespace {

bool fits(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  name.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (std::size_t i = 0; i <= name.size(); ++i)
    if (fits(pattern, name.substr(i))) return true;
  return false;
}

std::optional<std::string> joined(const TreeRun& run, const mailfile::FolderPath& path) {
  std::string out;
  const auto delimiter = run.connection.delimiter();
  for (const auto& part : path) {
    if (!out.empty()) {
      if (!delimiter) return std::nullopt;
      out += *delimiter;
    }
    if (delimiter && part.find(*delimiter) != part.npos) return std::nullopt;
    out += part;
  }
  return out;
}

// As path_of() the other way.  What is not below the prefix there is called as it is.
std::optional<std::string> name_of(const TreeRun& run, const mailfile::FolderPath& path) {
  auto plain = joined(run, path);
  if (!plain || path == mailfile::FolderPath{"INBOX"}) return plain;
  auto personal = run.connection.personal_prefix() + *plain;
  // What it was stays so.
  for (const auto* of : {&*plain, &personal})
    if (run.known.contains(*of) && !run.known.contains(of == &personal ? *plain : personal)) return *of;
  return run.there.contains(*plain) && !run.there.contains(personal) ? *std::move(plain) : std::move(personal);
}

std::optional<mailfile::FolderPath> levels_of(const TreeRun& run, std::string_view name) {
  mailfile::FolderPath out{""};
  const auto delimiter = run.connection.delimiter();
  for (const char c : name) {
    if (delimiter && c == *delimiter) out.emplace_back();
    else out.back() += c;
  }
  for (const auto& part : out)
    if (part.empty()) return std::nullopt;
  return out;
}

// The new name of `name` when `from` was renamed to `to`, with all below it.
std::optional<std::string> renamed(const std::string& name, const std::string& from, const std::string& to, std::optional<char> delimiter) {
  if (name == from) return to;
  if (delimiter && name.starts_with(from + *delimiter)) return to + name.substr(from.size());
  return std::nullopt;
}

void rename_known(TreeRun& run, const std::string& from, const std::string& to) {
  KnownFolders out;
  for (auto& [name, folder] : run.known) {
    const auto other = renamed(name, from, to, run.connection.delimiter());
    auto& kept = out[other.value_or(name)] = folder;
    if (other) kept.changed = {};
  }
  run.known = std::move(out);
}

// The journals of what is here under new names since `from` was renamed to `to` on both sides.  What has another name in its journal is
// matched anew: a UIDVALIDITY that is the same proves nothing, two mailboxes may have been made in one second.
Result<void> rename_journals(const TreeRun& run, const std::string& from, const std::string& to) {
  for (const auto& [name, path] : run.here) {
    if (name != to && !renamed(name, to, from, run.connection.delimiter())) continue;
    TRY(const auto folder, run.tree.open_folder(path));
    TRY(auto journal, Journal::open(folder.path(), run.options.account));
    if (renamed(journal.state().mailbox, from, to, run.connection.delimiter()) == name) TRY_OK(journal.rename(name));
  }
  return {};
}

// Was this one, which is new here, another one that is known and gone here?
Result<std::string> former_name(const TreeRun& run, const mailfile::FolderPath& path) {
  TRY(const auto folder, run.tree.open_folder(path));
  TRY(const auto journal, Journal::open(folder.path(), run.options.account));
  const auto& was = journal.state().mailbox;
  const bool moved = !was.empty() && was != "INBOX" && run.known.contains(was) && !run.here.contains(was) && run.there.contains(was);
  return moved ? was : std::string();
}

Task<Result<void>> carry_renames_here(TreeRun& run) {
  const auto here = run.here;
  for (const auto& [name, path] : here) {
    if (run.known.contains(name) || run.there.contains(name)) continue;
    CO_TRY(const auto was, former_name(run, path));
    if (was.empty()) continue;
    auto done = co_await run.connection.rename(was, name);
    if (!done && !run.connection.is_usable()) co_return done;
    if (!done) {
      run.problem(was + ": it cannot be renamed to " + name + " there: " + done.error().text);
      continue;
    }
    ++run.report.folders_renamed;
    (void)co_await run.connection.subscribe(was, false);
    (void)co_await run.connection.subscribe(name);
    rename_known(run, was, name);
    CO_TRY_OK(rename_journals(run, was, name));
    CO_TRY_OK(co_await list_there(run));
  }
  co_return Result<void>{};
}

// Known, gone there and here still: it may have been renamed there.
std::vector<std::string> gone_there(const TreeRun& run) {
  std::vector<std::string> out;
  for (const auto& [name, known] : run.known)
    if (!run.there.contains(name) && run.here.contains(name) && name != "INBOX") out.push_back(name);
  return out;
}

// The one of `gone` that this new one there was.
std::string former_name_there(const TreeRun& run, const std::vector<std::string>& gone, const client::MailboxInfo& now, const std::string& mailbox_id) {
  if (!now.status) return {};
  std::string found;
  for (const auto& name : gone) {
    const auto& known = run.known.at(name);
    const auto& s = *now.status;
    // Without an id of its own the numbers have to be the same to the last one.
    const bool same = !known.mailbox_id.empty() || !mailbox_id.empty()
                          ? known.mailbox_id == mailbox_id
                          : known.agreed.messages > 0 && s.uid_validity == known.agreed.uid_validity && s.uid_next == known.agreed.uid_next &&
                                s.messages == known.agreed.messages && s.high_mod_seq.value_or(0) == known.agreed.mod_seq;
    if (!same) continue;
    if (!found.empty()) return {};
    found = name;
  }
  return found;
}

// [RFC8474 4.1] As SELECT tells it: Cyrus 3.6 tells in STATUS those of other mailboxes, or none.
Task<Result<std::string>> mailbox_id_of(TreeRun& run, std::string name) {
  if (!run.connection.has("OBJECTID")) co_return std::string();
  client::SelectWants wants;
  wants.read_only = true;
  auto selected = co_await run.connection.select(name, wants);
  if (!selected && !run.connection.is_usable()) co_return std::unexpected(selected.error());
  co_return selected ? selected->mailbox_id : std::string();
}

Task<Result<void>> carry_renames_there(TreeRun& run) {
  const auto there = run.there;
  for (const auto& [name, info] : there) {
    if (run.known.contains(name) || run.here.contains(name)) continue;
    const auto gone = gone_there(run);
    if (gone.empty()) break;
    CO_TRY(const auto id, co_await mailbox_id_of(run, name));
    const auto was = former_name_there(run, gone, info, id);
    const auto path = path_of(run, name);
    if (was.empty() || !path) continue;
    auto done = run.tree.rename(run.here.at(was), *path);
    if (!done) {
      run.problem(was + ": it cannot be renamed to " + name + " here: " + done.error().text);
      continue;
    }
    ++run.report.folders_renamed;
    // Without mod-sequences either the numbers prove too little to go by UIDs.
    const bool sure = !id.empty() || run.known.at(was).agreed.mod_seq != 0;
    rename_known(run, was, name);
    CO_TRY_OK(list_here(run));
    if (sure) CO_TRY_OK(rename_journals(run, was, name));
  }
  co_return Result<void>{};
}

// Nothing is in it that was not known there, and nothing has changed.
Result<bool> is_untouched(const Journal& journal, const std::string& name, mailfile::MaildirFolder folder) {
  TRY(auto local, LocalFolder::open(std::move(folder)));
  TRY_OK(local.look_in_peace());
  if (local.is_doubtful()) return false;
  if (journal.state().mailbox != name) return local.size() == 0;
  for (const auto& [unique, flags] : local.view()) {
    const auto uid = journal.state().by_unique.find(unique);
    if (uid == journal.state().by_unique.end() || journal.state().messages.at(uid->second).flags != flags) return false;
  }
  return true;
}

bool is_untouched_there(const TreeRun& run, const std::string& name) {
  const auto& status = run.there.at(name).status;
  const auto& agreed = run.known.at(name).agreed;
  return status && status->uid_validity == agreed.uid_validity && status->uid_next == agreed.uid_next && agreed.uid_validity != 0 &&
         status->messages == agreed.messages && status->high_mod_seq.value_or(0) == agreed.mod_seq;
}

// All folders that were known are gone from that side, and not just one.
template <class Side>
bool looks_empty(const TreeRun& run, const Side& side) {
  std::size_t known = 0;
  for (const auto& [name, folder] : run.known) {
    if (name == "INBOX" || !is_wanted(run.options, name)) continue;
    if (side.contains(name)) return false;
    ++known;
  }
  return known >= 2 || side.empty();
}

// As carry_missing_here() saw it, and still so.
Task<Result<bool>> is_still_untouched_there(TreeRun& run, std::string name) {
  auto status = co_await run.connection.status(name);
  if (!status && !run.connection.is_usable()) co_return std::unexpected(status.error());
  if (!status) co_return status.error().code == Errc::not_found;
  run.there.at(name).status = *std::move(status);
  co_return is_untouched_there(run, name);
}

Task<Result<void>> delete_there(TreeRun& run, std::string name) {
  auto done = co_await run.connection.remove(name);
  if (!done && !run.connection.is_usable()) co_return done;
  if (!done) {
    run.problem(name + ": it cannot be deleted there: " + done.error().text);
    co_return Result<void>{};
  }
  (void)co_await run.connection.subscribe(name, false);
  ++run.report.folders_removed_there;
  run.there.erase(name);
  run.known.erase(name);
  co_return Result<void>{};
}

// The messages of a journal whose files are not here would be taken for deleted here; those of another mailbox, for deleted there.
Result<void> remove_journal(const std::string& folder) {
  const auto path = folder + "/" + std::string(Journal::kName);
  if (::unlink(path.c_str()) == 0) return mailfile::sync_directory(folder);
  if (errno == ENOENT || errno == ENOTDIR) return {};
  return mailfile::errno_failure("remove", path);
}

// What is known of a mailbox that is gone says nothing of the one that is made now, though it may well be numbered in the same way
// [RFC9051 2.3.1.1]: all would be taken for deleted there.
Task<Result<void>> make_there(TreeRun& run, std::string name) {
  // [RFC9051 5.1] The INBOX is there, listed or not, and keeps what is known of it.
  const bool is_inbox = name == "INBOX";
  CO_TRY(const auto directory, run.tree.path_of(run.here.at(name)));
  if (!is_inbox) CO_TRY_OK(remove_journal(directory));
  auto done = co_await run.connection.create(name);
  if (!done && !run.connection.is_usable()) co_return done;
  if (!done) {
    run.problem(name + ": it cannot be made there: " + done.error().text);
    co_return Result<void>{};
  }
  (void)co_await run.connection.subscribe(name);
  ++run.report.folders_made_there;
  if (!is_inbox) run.known.erase(name);
  client::MailboxInfo info;
  info.name = name;
  run.there.emplace(name, std::move(info));
  co_return Result<void>{};
}

// A folder that was not here has no history, whatever another one of its name has left.
Result<mailfile::MaildirFolder> create_here(const TreeRun& run, const std::optional<mailfile::FolderPath>& path) {
  if (!path) return fail(Errc::invalid, "no folder can be called so");
  TRY(const auto directory, run.tree.path_of(*path));
  TRY_OK(remove_journal(directory));
  return run.tree.create(*path);
}

// None of the files is here that its journal tells of.
Result<bool> has_journal_of_another(const TreeRun& run, const std::string& name) {
  TRY(auto folder, run.tree.open_folder(run.here.at(name)));
  TRY(const auto journal, Journal::open(folder.path(), run.options.account));
  const auto& state = journal.state();
  if (state.mailbox != name) return false;
  TRY(const auto local, LocalFolder::open(std::move(folder)));
  return std::ranges::none_of(state.by_unique, [&local](const auto& one) { return local.has(one.first); }) &&
         std::ranges::none_of(state.downloads, [&local](const auto& one) { return local.has(one.second.unique); }) &&
         std::ranges::none_of(state.uploads, [&local](const auto& unique) { return local.has(unique); });
}

// Folders that somebody has made anew where others of their names had been.
void forget_others(TreeRun& run) {
  const auto here = run.here;
  for (const auto& [name, path] : here) {
    if (run.known.contains(name)) continue;
    const auto another = has_journal_of_another(run, name);
    const auto directory = run.tree.path_of(path);
    const auto done = another && *another && directory ? remove_journal(*directory) : Result<void>();
    if (another && done) continue;
    run.problem(name + ": " + (another ? done : Result<void>(std::unexpected(another.error()))).error().text);
    run.here.erase(name);
  }
}

Result<void> make_here(TreeRun& run, const std::string& name) {
  const auto path = path_of(run, name);
  auto made = create_here(run, path);
  if (!made && made.error().code == Errc::no_space) return std::unexpected(made.error());
  if (!made) {
    run.problem(name + ": it cannot be made here: " + made.error().text);
    return {};
  }
  ++run.report.folders_made_here;
  run.here.emplace(name, *path);
  return {};
}

// What cannot be seen here is not taken for deleted: an error, something else where the folder was or above it, or such a mailbox above it.
// `unseen`: those mailboxes, with what is left of them.
Result<bool> is_gone_here(TreeRun& run, const std::string& name, std::map<std::string, std::string>& unseen) {
  const auto path = path_of(run, name);
  if (!path) return true;
  TRY(auto rest, run.tree.find_rest(*path));
  for (const auto& [above, left] : unseen)
    if (!rest && renamed(name, above, above, run.connection.delimiter())) rest = left;
  if (!rest) return true;
  run.problem(name + ": " + *rest + " is no folder any more (a disk that is not mounted?); it is not deleted there, unless all of that is removed");
  unseen.emplace(name, *std::move(rest));
  return false;
}

Task<Result<void>> carry_missing_here(TreeRun& run) {
  std::map<std::string, std::string> unseen;
  const bool suspicious = !run.options.force_delete && looks_empty(run, run.here);
  const auto there = run.there;
  for (const auto& [name, info] : there) {
    if (run.here.contains(name)) continue;
    if (run.known.contains(name)) {
      CO_TRY(const bool gone, is_gone_here(run, name, unseen));
      if (!gone) continue;
    }
    bool deleted = run.known.contains(name) && name != "INBOX" && is_untouched_there(run, name);
    if (deleted && !suspicious) {
      CO_TRY(deleted, co_await is_still_untouched_there(run, name));
    }
    if (deleted) {
      if (suspicious) run.problem(name + ": all folders are gone here: it is not deleted there (--force-delete does it)");
      else CO_TRY_OK(co_await delete_there(run, name));
      continue;
    }
    CO_TRY_OK(make_here(run, name));
  }
  co_return Result<void>{};
}

// LIST may leave some out.  [RFC5530 3] Not all servers say NONEXISTENT.
Task<Result<bool>> is_gone_there(TreeRun& run, std::string name) {
  const auto status = co_await run.connection.status(name);
  if (!status && !run.connection.is_usable()) co_return std::unexpected(status.error());
  const bool gone = !status && (status.error().code == Errc::not_found || status.error().code == Errc::invalid);
  if (!gone) run.problem(name + ": the server does not list it, but it has it" + (status ? "" : ": " + status.error().text) + "; it is not deleted here");
  co_return gone;
}

// false: it has to stay, and to be made there again.
Result<bool> delete_here(TreeRun& run, const std::string& name, bool suspicious) {
  const auto path = run.here.at(name);
  TRY(auto folder, run.tree.open_folder(path));
  TRY(const auto journal, Journal::open(folder.path(), run.options.account));
  const auto untouched = [&journal, &name](mailfile::MaildirFolder now) { return is_untouched(journal, name, std::move(now)); };
  TRY(const bool unwanted, untouched(std::move(folder)));
  if (!unwanted) return false;
  if (suspicious) {
    run.problem(name + ": all folders are gone there: it is not deleted here (--force-delete does it)");
    return true;
  }
  // A mailbox that is known, and taken back there after we were killed, would be taken for deleted here.
  auto known = run.known.extract(name);
  auto done = write_tree_file(run.tree, run.options.account, run.known);
  if (done) done = run.tree.remove(path, untouched);
  if (done) {
    ++run.report.folders_removed_here;
    run.here.erase(name);
    return true;
  }
  run.known.insert(std::move(known));
  if (done.error().code == Errc::busy) return false;
  run.problem(name + ": it cannot be deleted here: " + done.error().text);
  return true;
}

Task<Result<void>> carry_missing_there(TreeRun& run) {
  const bool suspicious = !run.options.force_delete && looks_empty(run, run.there);
  const auto here = run.here;
  for (const auto& [name, path] : here) {
    if (run.there.contains(name)) continue;
    if (run.known.contains(name) && name != "INBOX") {
      CO_TRY(const bool gone, co_await is_gone_there(run, name));
      if (!gone) continue;
      CO_TRY(const bool done, delete_here(run, name, suspicious));
      if (done) continue;
    }
    CO_TRY_OK(co_await make_there(run, name));
  }
  co_return Result<void>{};
}

}  // namespace

bool is_wanted(const SyncOptions& options, std::string_view mailbox) {
  bool wanted = options.only.empty();
  for (const auto& pattern : options.only) wanted |= fits(pattern, mailbox);
  for (const auto& pattern : options.except) wanted &= !fits(pattern, mailbox);
  return wanted;
}

std::optional<mailfile::FolderPath> path_of(const TreeRun& run, const std::string& mailbox) {
  const auto& prefix = run.connection.personal_prefix();
  if (!prefix.empty() && mailbox.starts_with(prefix))
    if (auto path = levels_of(run, std::string_view(mailbox).substr(prefix.size())); path && name_of(run, *path) == mailbox) return path;
  auto path = levels_of(run, mailbox);
  return path && name_of(run, *path) == mailbox ? path : std::nullopt;  // else two would have one folder
}

Result<void> finish_removals(TreeRun& run) {
  const auto may_go = [&run](mailfile::MaildirFolder left) -> Result<bool> {
    TRY(const auto journal, Journal::open(left.path(), run.options.account));
    return is_untouched(journal, journal.state().mailbox, std::move(left));
  };
  TRY(const auto staying, run.tree.finish_removals(may_go));
  for (const auto& directory : staying) run.problem(directory + " is left of a folder that was being removed, with mail that may be new: move it back, or delete it");
  return {};
}

Task<Result<void>> list_there(TreeRun& run) {
  client::ListWants wants;
  wants.status = true;
  CO_TRY(auto all, co_await run.connection.list(wants));
  run.there.clear();
  for (auto& one : all)
    if (one.selectable && is_wanted(run.options, one.name)) run.there.emplace(one.name, std::move(one));
  co_return Result<void>{};
}

Result<void> list_here(TreeRun& run) {
  TRY(auto all, run.tree.list());
  run.here.clear();
  for (auto& path : all) {
    const auto name = name_of(run, path);
    // [RFC9051 5.1] INBOX is the same there in all letters.
    const bool like_inbox = path.front() != "INBOX" && text::iequals(path.front(), "INBOX");
    if (!name) run.problem(path.back() + ": no mailbox there can be called so");
    else if (like_inbox && !run.there.contains(*name)) run.problem(*name + ": a folder that is to be the INBOX, or in it, has to be called INBOX here");
    else if (is_wanted(run.options, *name) && !run.here.emplace(*name, path).second) run.problem(path.back() + ": another folder here is " + *name + " already");
  }
  return {};
}

Task<Result<void>> carry_renames(TreeRun& run) {
  CO_TRY_OK(co_await carry_renames_here(run));
  co_return co_await carry_renames_there(run);
}

Task<Result<void>> carry_folders(TreeRun& run) {
  CO_TRY_OK(co_await carry_missing_here(run));
  CO_TRY_OK(co_await carry_missing_there(run));
  forget_others(run);
  std::erase_if(run.known, [&run](const auto& one) {
    return is_wanted(run.options, one.first) && !run.here.contains(one.first) && !run.there.contains(one.first);
  });
  co_return Result<void>{};
}

}  // namespace posthorn::sync
