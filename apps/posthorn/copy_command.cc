#include "copy_command.h"

#include <sysexits.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "app/local_store.h"
#include "async/mutex.h"
#include "async/task_group.h"
#include "async/worker_pool.h"
#include "base/log.h"
#include "client_roads.h"
#include "copy/imap_place.h"
#include "copy/maildir_place.h"
#include "copy/mbox_place.h"
#include "copy/pop3_place.h"
#include "copy/smap_place.h"
#include "copy/verifier.h"
#include "csv_lines.h"
#include "output.h"
#include "progress.h"
#include "state_folder.h"

namespace posthorn {
namespace {

namespace json = boost::json;
using client::Scheme;

struct End {
  Place place;
  std::optional<client::Credentials> credentials;  // none yet where a command gives tokens, which hold for an hour or so
  bool reached = false;  // in this run
};
// One account: from where to where, and what came of it.
struct Job {
  End source, target;
  copy::CopyReport report;
  bool in_doubt = false;  // as the lock of the target says, which those without a home do not have
  std::optional<copy::VerifyReport> verified;
  Result<void> outcome;
};

class CopyRun {
 public:
  explicit CopyRun(CopyCommand& o) : o_(o), progress_(!o.client.json && !o.client.quiet) {}

  int run() {
    if (const auto ready = prepare(); !ready)
      return say_client_error(o_.client, o_.verb, ready.error(), ready.error().code == Errc::not_found ? std::optional<int>(EX_NOINPUT) : std::nullopt);
    run_task(run_all());
    progress_.end();
    int code = EX_OK;
    for (auto& job : jobs_) {
      const int its = say(job);
      if (code == EX_OK) code = its;
    }
    return code;
  }

 private:
  // --- before anything is copied: places, passwords, the local store
  Result<void> prepare() {
    for (const auto& pair : o_.renamed) {
      const auto equals = pair.find('=');
      if (equals == 0 || equals == pair.npos || equals + 1 == pair.size()) return fail(Errc::invalid, "--rename takes FOLDER=FOLDER, not " + pair);
      o_.options.renamed.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
    o_.options.flags = !o_.no_flags;
    if (o_.accounts_csv.empty()) {
      if (o_.source.name.empty() || o_.target.name.empty()) return fail(Errc::invalid, "a source and a target are needed, or --csv");
      TRY_OK(add_job(o_.source, o_.target, {}, {}));
    } else {
      if (!o_.source.name.empty()) return fail(Errc::invalid, "--csv names the places: none beside it");
      TRY_OK(read_csv());
    }
    for (const auto& job : jobs_)
      if (job.source.place.url.scheme == Scheme::posthorn || job.target.place.url.scheme == Scheme::posthorn) return open_local();
    return {};
  }

  Result<void> read_csv() {
    TRY(const auto lines, read_csv_lines(o_.accounts_csv));
    for (const auto& [number, fields] : lines) {
      if (fields.size() != 4) return fail(Errc::invalid, o_.accounts_csv + ", line " + std::to_string(number) + ": not source,password,target,password");
      auto source = o_.source, target = o_.target;
      source.name = fields[0];
      target.name = fields[2];
      const auto done = add_job(source, target, fields[1], fields[3]);
      if (!done) return fail(done.error().code, o_.accounts_csv + ", line " + std::to_string(number) + ": " + done.error().text);
    }
    return {};
  }

  Result<void> add_job(const PlaceOptions& source, const PlaceOptions& target, std::optional<std::string> source_password,
                       std::optional<std::string> target_password) {
    Job job;
    TRY(job.source, end_of(source, std::move(source_password), false));
    TRY(job.target, end_of(target, std::move(target_password), true));
    if (job.source.place.url == job.target.place.url) return fail(Errc::invalid, "source and target are the same");
    jobs_.push_back(std::move(job));
    return {};
  }

  Result<End> end_of(const PlaceOptions& options, std::optional<std::string> password, bool is_target) {
    End end;
    TRY(end.place, find_place(o_.client, options));
    const auto& url = end.place.url;
    switch (url.scheme) {
      case Scheme::imap:
      case Scheme::imaps:
      case Scheme::smap:
      case Scheme::smaps: break;
      case Scheme::pop3:
      case Scheme::pop3s:
        if (is_target) return fail(Errc::invalid, "no mail can be stored by POP3: " + client::to_string(url));
        break;
      case Scheme::maildir:
      case Scheme::mbox:
        if (!is_target && !std::filesystem::exists(url.path)) return fail(Errc::not_found, "there is no " + url.path);
        return end;
      case Scheme::posthorn: return end;
      default: return fail(Errc::invalid, std::string(client::to_string(url.scheme)) + " is no place that mail can be copied from or to: " + client::to_string(url));
    }
    if (is_target && !url.path.empty())
      return fail(Errc::invalid, "a target is the whole account, not a mailbox of it: " + client::to_string(url) + " (see --rename)");
    if (url.user.empty()) return fail(Errc::invalid, "who signs in? The URL names no user: " + client::to_string(url));
    if (password && !password->empty()) {
      end.credentials = client::Credentials{.user = url.user, .password = std::move(password), .allow_plaintext = end.place.allow_plaintext};
      return end;
    }
    if (end.place.token_command.empty()) {
      TRY(end.credentials, obtain_credentials(end.place));
    }
    return end;
  }

  Result<void> open_local() {
    const auto config = load_config(o_.common);
    if (!config) return fail(Errc::corrupt, "the configuration " + o_.common.config + " cannot be used");
    if (log::kLevel.get() < log::Level::warning) log::set_level(log::Level::warning);
    TRY(local_, app::LocalStore::open(*config, o_.common.config));
    return {};
  }

  // --- copying
  Task<> run_all() {
    TaskGroup lanes;
    const auto count = std::min<std::size_t>(static_cast<std::size_t>(o_.connections), jobs_.size());
    for (std::size_t i = 0; i < count; ++i) lanes.spawn(Reactor::current(), lane());
    co_await lanes.join();
  }

  Task<> lane() {
    while (next_ < jobs_.size()) {
      Job& job = jobs_[next_++];
      const auto turn = co_await turns_[name_of_place(job.target.place.url)].lock();
      for (int in_vain = 0;; ++in_vain) {
        auto report = std::exchange(job.report, {});
        job.outcome = co_await copy(job);
        if (job.report.copied > 0) in_vain = 0;
        job.report.copied += report.copied;  // what an earlier attempt has done
        job.report.copied_bytes += report.copied_bytes;
        job.report.there -= std::min(job.report.there, report.copied);
        job.report.refused += report.refused;  // it may be there now, and is counted nevertheless: somebody shall look
        job.report.flags_changed += report.flags_changed;
        for (auto& line : report.problems)
          if (std::ranges::find(job.report.problems, line) == job.report.problems.end()) job.report.complain(std::move(line));
        if (job.outcome || in_vain >= o_.retries || !is_passing(job.outcome.error())) break;
        co_await sleep_for(std::chrono::milliseconds(200 << std::min(in_vain, 7)));
      }
      ++done_;
    }
  }

  // What it was given shows there some time later; files are ours to write.
  static bool stores_by_itself(const client::MailUrl& url) { return url.scheme != Scheme::maildir && url.scheme != Scheme::mbox; }
  static constexpr std::chrono::milliseconds kUntilStored{2500};  // as sync's Latecomers

  // Another connection may fare better.
  static bool is_passing(const Error& error) { return error.code == Errc::closed || error.code == Errc::timed_out || error.code == Errc::busy; }

  Task<Result<void>> copy(Job& job) {
    mailfile::File alone;  // two runs at once would each copy what both find missing
    if (!o_.options.dry_run) {
      CO_TRY(alone, co_await workers_.run([&] { return lock_target(job.target.place.url); }));
    }
    if (job.in_doubt || is_in_doubt(alone)) co_await sleep_for(kUntilStored);
    CO_TRY(const auto source, co_await open(job.source));
    auto target = co_await open(job.target);
    Result<void> outcome = target ? Result<void>{} : std::unexpected(target.error());
    if (target) {
      const bool by_itself = stores_by_itself(job.target.place.url);
      outcome = set_in_doubt(alone, by_itself);
      if (outcome) outcome = co_await copy_between(job, *source, **target);
      job.in_doubt = by_itself && job.report.in_doubt;
      if (!job.in_doubt) (void)set_in_doubt(alone, false);
      co_await (*target)->close();
    }
    co_await source->close();
    co_return outcome;
  }

  Task<Result<void>> copy_between(Job& job, copy::MailPlace& source, copy::MailPlace& target) {
    auto file = file_about_target(job.target.place.url, ".outstanding");
    auto from = name_of_place(job.source.place.url);
    CO_TRY(auto outstanding, co_await workers_.run([&] { return copy::Outstanding::open(std::move(file), std::move(from), workers_); }));
    copy::Copier copier(source, target, outstanding, o_.options, [this, &job](const copy::CopyReport& report) {
      job.report = report;
      show();
    });
    auto outcome = co_await copier.run();
    job.report = copier.report();
    CO_TRY_OK(std::move(outcome));
    if (!o_.verify || o_.options.dry_run) co_return Result<void>{};
    CO_TRY(const auto pairs, co_await copier.pairs());
    job.verified.emplace();
    co_return co_await copy::verify(source, target, pairs, *job.verified, [this](const copy::VerifyReport& report) {
      progress_.show("posthorn " + o_.verb + ": comparing " + printable(report.folder));
    });
  }

  Task<Result<std::optional<client::Credentials>>> credentials_of(const End& end) {
    if (end.credentials || end.place.token_command.empty()) co_return end.credentials;
    co_return co_await workers_.run([&] { return obtain_credentials(end.place); });
  }

  // A server that was there before may be starting again.
  Task<Result<std::unique_ptr<net::Connection>>> dial(End& end) {
    auto stream = co_await dial_place(end.place, workers_);
    if (!stream && stream.error().code == Errc::io && end.reached) co_return fail(Errc::busy, stream.error().text);
    end.reached |= stream.has_value();
    co_return stream;
  }

  Task<Result<std::unique_ptr<copy::MailPlace>>> open(End& end) {
    const auto& url = end.place.url;
    CO_TRY(auto credentials, co_await credentials_of(end));
    switch (url.scheme) {
      case Scheme::imap:
      case Scheme::imaps: {
        CO_TRY(auto options, imap_options_of(end.place, std::move(credentials)));
        CO_TRY(auto stream, co_await dial(end));
        co_return co_await copy::open_imap_place(client::to_string(url), std::move(options), std::move(stream), url.path);
      }
      case Scheme::pop3:
      case Scheme::pop3s: {
        CO_TRY(auto options, pop3_options_of(end.place, std::move(credentials)));
        CO_TRY(auto stream, co_await dial(end));
        co_return co_await copy::open_pop3_place(client::to_string(url), std::move(options), std::move(stream));
      }
      case Scheme::smap:
      case Scheme::smaps: {
        CO_TRY(auto options, smap_options_of(end.place, std::move(credentials)));
        CO_TRY(auto stream, co_await dial(end));
        co_return co_await copy::open_smap_place(client::to_string(url), std::move(options), std::move(stream), url.path);
      }
      case Scheme::posthorn: {
        CO_TRY(const int fd, co_await workers_.run([&] { return local_->connect(url.path); }));
        auto stream = std::make_unique<net::Connection>(fd, net::Peer{.ip = {}, .port = 0, .loopback = true});
        co_return co_await copy::open_imap_place(client::to_string(url), {.host = url.path, .tls = client::TlsMode::none}, std::move(stream));
      }
      case Scheme::mbox: co_return co_await copy::open_mbox_place(url.path, workers_);
      default: co_return co_await copy::open_maildir_place(url.path, workers_);
    }
  }

  // --- saying how it goes, and what came of it
  void show() {
    if (!progress_.is_shown()) return;
    copy::CopyReport sum;
    for (const auto& job : jobs_) {
      sum.messages += std::max(job.report.messages, job.report.expected);
      sum.copied += job.report.copied + job.report.there + job.report.gone + job.report.refused;
      sum.copied_bytes += job.report.copied_bytes;
      if (!job.report.folder.empty()) sum.folder = job.report.folder;
    }
    const auto accounts = jobs_.size() > 1 ? " " + std::to_string(done_) + "/" + std::to_string(jobs_.size()) + " accounts" : std::string();
    progress_.show({.what = "posthorn " + o_.verb + accounts + " " + printable(sum.folder), .done = sum.copied, .total = sum.messages, .bytes = sum.copied_bytes});
  }

  int code_of(const Job& job) const {
    if (!job.outcome) return job.outcome.error().code == Errc::not_found ? EX_NOUSER : sysexit_of(job.outcome.error().code);
    const auto& r = job.report;
    const bool differs = job.verified && (job.verified->missing || job.verified->flags || job.verified->numbers);
    return r.refused || r.perhaps_gone || differs ? EX_DATAERR : EX_OK;
  }

  json::object json_of(const Job& job) const {
    const auto& r = job.report;
    json::array problems;
    for (const auto& line : r.problems) problems.emplace_back(line);
    json::object out{{"ok", code_of(job) == EX_OK}, {"source", client::to_string(job.source.place.url)}, {"target", client::to_string(job.target.place.url)},
                     {"folders", r.folders}, {"messages", r.messages}, {"copied", r.copied}, {"bytes", r.copied_bytes}, {"there", r.there},
                     {"flags_changed", r.flags_changed}, {"gone", r.gone}, {"perhaps_gone", r.perhaps_gone}, {"refused", r.refused}, {"folders_with_new_uids", r.with_new_uids}};
    if (job.verified) {
      const auto& v = *job.verified;
      for (const auto& line : v.problems) problems.emplace_back(line);
      out["verified"] = {{"messages", v.messages}, {"missing", v.missing}, {"other_flags", v.flags}, {"other_uids", v.numbers}};
    }
    out["problems"] = std::move(problems);
    if (!job.outcome) out["error"] = job.outcome.error().text;
    return out;
  }

  int say(const Job& job) {
    const int code = code_of(job);
    if (o_.client.json) {
      posthorn::say(json::serialize(json_of(job)));
      return code;
    }
    const auto& r = job.report;
    const auto complain = [this](const std::string& line) { std::fprintf(stderr, "posthorn %s: %s\n", o_.verb.c_str(), printable(line).c_str()); };
    for (const auto& line : r.problems) complain(line);
    if (job.verified)
      for (const auto& line : job.verified->problems) complain(line);
    if (!job.outcome) {
      const auto who = jobs_.size() > 1 ? client::to_string(job.source.place.url) + ": " : std::string();
      complain(who + job.outcome.error().text + (r.copied ? " (" + count_text(static_cast<std::int64_t>(r.copied), "message was", "messages were") +
                                                                " copied; the next run goes on from there)" : ""));
    }
    if (o_.client.quiet) return code;
    std::string line = jobs_.size() > 1 ? client::to_string(job.source.place.url) + ": " : std::string();
    const auto count = [](std::uint64_t n, std::string_view one, std::string_view more) { return count_text(static_cast<std::int64_t>(n), one, more); };
    line += o_.options.dry_run ? "would copy " : "copied ";
    line += count(r.copied, "message", "messages") + " in " + count(r.folders, "folder", "folders");
    if (r.there) line += ", " + std::to_string(r.there) + (r.there == 1 ? " was there already" : " were there already");
    if (r.flags_changed) line += ", changed the flags of " + std::to_string(r.flags_changed);
    if (r.refused) line += ", " + std::to_string(r.refused) + " were refused";
    if (r.gone) line += ", left out " + std::to_string(r.gone) + " that were deleted there";
    if (r.perhaps_gone) line += " (of " + std::to_string(r.perhaps_gone) + " that is not certain)";
    if (r.with_new_uids) line += "; " + count(r.with_new_uids, "folder", "folders") + " got new UIDs";
    if (job.verified && code == EX_OK) line += "; compared: all the same";
    posthorn::say(printable(line));
    return code;
  }

  CopyCommand& o_;
  Progress progress_;
  WorkerPool workers_{4};
  std::unique_ptr<app::LocalStore> local_;
  std::deque<Job> jobs_;
  std::map<std::string, AsyncMutex> turns_;  // of each target: one account after the other
  std::size_t next_ = 0, done_ = 0;
};

}  // namespace

int copy_command(CopyCommand& o) { return CopyRun(o).run(); }

}  // namespace posthorn
