#include "sync/folder_sync.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "async/event.h"
#include "async/reactor.h"
#include "sync/downloads.h"
#include "sync/folder_state.h"

namespace posthorn::sync {
namespace {

constexpr std::size_t kManyDeletions = 10;  // as many at once, of all, look like an accident
constexpr int kMostPasses = 4;

imap::NumberSet set_of(const std::vector<std::uint32_t>& uids) {
  std::vector<imap::NumberRange> ranges;
  for (const auto uid : uids) ranges.push_back({uid, uid});
  return imap::NumberSet(std::move(ranges));
}

// A side that has suddenly nothing any more may be a disk that is not mounted, or a server that was set up anew.
void guard(FolderRun& run, Plan& plan) {
  if (run.job.options.force_delete || run.job.may_empty) return;
  const auto say = [&run](std::size_t count, std::string_view where, std::string_view other) {
    run.problem(std::string(other) + " is empty: " + std::to_string(count) + " messages are not deleted " + std::string(where) + " (--force-delete does it)");
  };
  if (plan.delete_there.size() >= kManyDeletions && run.local.size() == 0) {
    say(plan.delete_there.size(), "on the server", "the folder here");
    plan.delete_there.clear();
  }
  if (plan.delete_here.size() >= kManyDeletions && run.mailbox.messages == 0) {
    say(plan.delete_here.size(), "here", "the mailbox on the server");
    plan.delete_here.clear();
  }
}

Task<Result<void>> change_flags_there(FolderRun& run, const Plan& plan) {
  using Mode = client::StoreChange::Mode;
  std::map<std::pair<Mode, std::string>, std::vector<imap::NumberRange>> groups;
  for (const auto& one : plan.flags_there) {
    if (!one.add.empty()) groups[{Mode::add, one.add.letters()}].push_back({one.uid, one.uid});
    if (!one.remove.empty()) groups[{Mode::remove, one.remove.letters()}].push_back({one.uid, one.uid});
  }
  std::vector<client::StoreChange> changes;
  for (auto& [what, ranges] : groups)
    changes.push_back({.uids = imap::NumberSet(std::move(ranges)), .mode = what.first, .flags = run.local.flags_of(MaildirFlags(what.second)), .unchanged_since = {}});
  if (changes.empty()) co_return Result<void>{};
  CO_TRY_OK(co_await run.job.connection.store(changes));
  run.job.report.flags_there += plan.flags_there.size();
  co_return Result<void>{};
}

// Marks them, but for those that somebody has changed since we looked; they are taken out.
Task<Result<void>> mark_unchanged(FolderRun& run, std::vector<std::uint32_t>& uids) {
  imap::FlagList deleted;
  deleted.set(imap::SystemFlag::deleted);
  const client::StoreChange mark{
      .uids = set_of(uids), .mode = client::StoreChange::Mode::add, .flags = deleted, .unchanged_since = run.mailbox.high_mod_seq};
  CO_TRY(const auto changed, co_await run.job.connection.store(std::span(&mark, 1)));
  run.again |= std::erase_if(uids, [&changed](const auto uid) { return changed.contains(uid); }) > 0;
  co_return Result<void>{};
}

Task<Result<void>> delete_there(FolderRun& run, const Plan& plan) {
  if (plan.delete_there.empty()) co_return Result<void>{};
  CO_TRY_OK(run.local.look_again());
  auto uids = plan.delete_there;
  std::erase_if(uids, [&run](const auto uid) { return run.local.has(run.journal.state().messages.at(uid).unique); });
  if (run.mailbox.high_mod_seq != 0 && !uids.empty()) CO_TRY_OK(co_await mark_unchanged(run, uids));
  CO_TRY(const bool gone, co_await run.job.connection.expunge(set_of(uids)));
  if (!gone) {
    run.problem("the server cannot expunge single messages: " + std::to_string(uids.size()) + " are only marked as deleted there");
    // The mark is ours, and no change of somebody who wants to keep them.
    for (const auto uid : uids) {
      const auto known = run.journal.state().messages.at(uid);
      run.journal.put_message(uid, known.flags | MaildirFlags("T"), known.unique);
    }
    co_return run.journal.write();
  }
  for (const auto uid : uids) run.journal.put_gone(uid);
  run.job.report.deleted_there += uids.size();
  co_return run.journal.write();
}

// Empty: not known any more.  A server that gives a UID a second time makes it another message's.
std::string unique_of(const FolderRun& run, std::uint32_t uid) {
  const auto at = run.journal.state().messages.find(uid);
  return at == run.journal.state().messages.end() ? std::string() : at->second.unique;
}

Result<void> change_here(FolderRun& run, const Plan& plan) {
  for (const auto& one : plan.flags_here) {
    TRY(const bool alone, run.local.set_flags(unique_of(run, one.uid), one.to));
    run.again |= !alone;
  }
  for (const auto uid : plan.delete_here) {
    TRY(const bool gone, run.local.remove(unique_of(run, uid)));
    run.again |= !gone;
    // What was marked meanwhile is new from now on, and goes there again.
    run.journal.put_gone(uid);
    run.job.report.deleted_here += gone;
  }
  if (!plan.flags_here.empty() || !plan.delete_here.empty()) TRY_OK(run.local.folder().sync());
  run.job.report.flags_here += plan.flags_here.size();
  return {};
}

Task<Result<void>> change_there(FolderRun& run, const Plan& plan) {
  CO_TRY_OK(co_await upload(run, plan.uploads));
  CO_TRY_OK(co_await change_flags_there(run, plan));
  co_return co_await delete_there(run, plan);
}

Task<Result<void>> carry_out(FolderRun& run, const Plan& plan) {
  for (const auto uid : plan.forget) run.journal.put_gone(uid);
  Downloads downloads(run);
  auto there = co_await downloads.fetch(plan.downloads);
  // The disk takes what has come while the server works on what is sent.
  if (there) there = co_await change_there(run, plan);
  // What has come whole is kept, whatever became of the rest.
  CO_TRY_OK(co_await downloads.finish());
  CO_TRY_OK(std::move(there));
  CO_TRY_OK(change_here(run, plan));
  for (const auto& one : plan.settled)
    if (auto unique = unique_of(run, one.uid); !unique.empty()) run.journal.put_message(one.uid, one.flags, std::move(unique));
  co_return run.journal.write();
}

// What a run has sent that broke off may arrive after we have looked, as the kernel goes on sending: it is sent again only when nothing more has
// come for a while.  One command shows at its end, so that while is as long as a slow line needs for all that may be in the kernel.
class Latecomers {
 public:
  explicit Latecomers(FolderRun& run) : run_(run) {
    for (const auto& unique : run.journal.state().uploads)
      if (!run.journal.state().taken.contains(unique)) waiting_.insert(unique);
    std::uint64_t octets = 0;
    for (const auto& unique : waiting_) octets += run.local.octets_of(unique);
    quiet_ = kQuiet + std::chrono::milliseconds(std::min(octets, kMostUnderWay) * 1000 / kSlowLine);
  }
  // Until they have come, or may come no more, nothing is done.
  bool may_come() {
    const auto before = waiting_.size();
    std::erase_if(waiting_, [this](const auto& unique) { return !run_.journal.state().uploads.contains(unique); });
    const auto now = std::chrono::steady_clock::now();
    if (waiting_.size() < before || !std::exchange(looked_, true)) quiet_since_ = now;
    if (now - begun_ >= kLongest || now - quiet_since_ >= quiet_) waiting_.clear();
    return !waiting_.empty();
  }
  Task<> wait() { co_await sleep_for(kBetween); }

 private:
  static constexpr std::chrono::milliseconds kQuiet{2500}, kBetween{500};
  static constexpr std::chrono::seconds kLongest{120};
  static constexpr std::uint64_t kMostUnderWay = 1 << 20, kSlowLine = 32 * 1024;  // octets; in a second
  FolderRun& run_;
  std::unordered_set<std::string> waiting_;
  std::chrono::milliseconds quiet_ = kQuiet;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), quiet_since_;
  bool looked_ = false;
};

// A mailbox that may only be read gets nothing; what was to be done there is said once.
void respect_read_only(FolderRun& run, Plan& plan) {
  if (!run.mailbox.read_only) return;
  const auto count = plan.uploads.size() + plan.delete_there.size() + plan.flags_there.size();
  if (count > 0) run.problem("the mailbox may only be read: " + std::to_string(count) + " changes stay here");
  std::unordered_set<std::uint32_t> wanted;
  for (const auto& one : plan.flags_there) wanted.insert(one.uid);
  std::erase_if(plan.settled, [&wanted](const auto& one) { return wanted.contains(one.uid); });
  plan.uploads.clear();
  plan.delete_there.clear();
  plan.flags_there.clear();
}

// What the server has taken is there, whatever it looks like by now: sent again it would be there twice.
void respect_taken(FolderRun& run, Plan& plan) {
  const auto& taken = run.journal.state().taken;
  const auto first = std::ranges::find_if(plan.uploads, [&taken](const auto& unique) { return taken.contains(unique); });
  if (first == plan.uploads.end()) return;
  run.problem("the server has taken " + *first + ", and nothing that it has looks like it: it is not sent again, and neither are others of which that holds");
  std::erase_if(plan.uploads, [&taken](const auto& unique) { return taken.contains(unique); });
}

// A file may be gone, or lie in another folder, before the next run could recognise what was sent of it.
Task<Result<void>> recognise_taken(FolderRun& run) {
  if (run.journal.state().taken.empty()) co_return Result<void>{};
  CO_TRY_OK(co_await look_there(run));
  co_return co_await match_unknown(run);
}

// What is done because a file is missing waits until its folder can be listed in peace.
void respect_doubts(FolderRun& run, Plan& plan) {
  if (!run.local.is_doubtful()) return;
  std::set<std::uint32_t> missing(plan.delete_there.begin(), plan.delete_there.end());
  for (const auto uid : plan.forget)
    if (!run.local.has(unique_of(run, uid))) missing.insert(uid);
  if (missing.empty()) return;
  const auto waits = [&missing](const auto uid) { return missing.contains(uid); };
  plan.delete_there.clear();
  std::erase_if(plan.forget, waits);
  std::erase_if(plan.downloads, waits);
  run.problem("the files here are being renamed all the time: whether " + std::to_string(missing.size()) + " of them are deleted, the next run finds out");
}

// Of a file that the listing has left out the message would be taken for one that is deleted here: it would come a second time from the
// server, and the file go there a second time.
Task<Result<Plan>> plan_pass(FolderRun& run) {
  CO_TRY_OK(co_await match_unknown(run));
  const auto kept = run.local.kept_by(run.mailbox);
  auto plan = make_plan(run.journal.state(), run.local.view(), run.remote, kept);
  if (!run.local.is_doubtful() || (plan.forget.empty() && plan.delete_there.empty())) co_return plan;
  CO_TRY(const bool more, run.local.look_in_peace());
  if (!more) co_return plan;
  CO_TRY_OK(co_await match_unknown(run));
  co_return make_plan(run.journal.state(), run.local.view(), run.remote, kept);
}

// The files are listed while the server looks for what has changed.
Task<Result<FolderRun>> begin(FolderJob& job) {
  CO_TRY(auto journal, Journal::open(job.folder.path(), job.options.account));
  std::optional<Result<LocalFolder>> local;
  Event listed;
  job.pool.submit([&] {
    local.emplace(LocalFolder::open(job.folder));
    listed.set();
  });
  auto mailbox = co_await select_there(job, journal.state());
  co_await listed.wait();  // whatever the server said: the list is written into what lives here
  CO_TRY(auto files, *std::move(local));
  CO_TRY(auto selected, std::move(mailbox));
  co_return FolderRun{.job = job, .journal = std::move(journal), .local = std::move(files), .mailbox = std::move(selected), .fresh = true};
}

}  // namespace

Task<Result<Alike>> sync_folder(FolderJob job) {
  CO_TRY(auto run, co_await begin(job));
  Agreed agreed;
  Latecomers latecomers(run);
  // When a pass has changed nothing that was there before it, both are known to be alike.  Else what we have changed the server tells as changed:
  // the next run hears it, and this one only when somebody has been faster than we, or an answer did not say what became of a message.
  for (int pass = 0; pass < kMostPasses;) {
    CO_TRY_OK(co_await look_there(run));
    CO_TRY(auto plan, co_await plan_pass(run));
    if (latecomers.may_come()) {
      co_await latecomers.wait();
      continue;
    }
    respect_taken(run, plan);
    respect_doubts(run, plan);
    guard(run, plan);
    respect_read_only(run, plan);
    const bool at_rest = plan.only_downloads(), one_by_one = run.one_by_one;
    CO_TRY_OK(co_await carry_out(run, plan));
    ++pass;
    // What was refused together has not been sent one by one yet, whatever else is wrong.
    if (!run.complete && run.one_by_one != one_by_one) continue;
    if (!run.complete) break;
    run.journal.put_seal(run.mailbox.high_mod_seq);
    const bool again = std::exchange(run.again, false) || !run.journal.state().uploads.empty();
    if (at_rest) {
      agreed = {run.mailbox.uid_validity, run.mailbox.uid_next, run.mailbox.messages, run.mailbox.high_mod_seq};
      break;
    }
    if (!again) break;
  }
  CO_TRY_OK(co_await recognise_taken(run));
  CO_TRY_OK(run.journal.tidy());
  co_return Alike{.agreed = agreed, .names = run.local.names(), .mailbox_id = run.mailbox.mailbox_id};
}

}  // namespace posthorn::sync
