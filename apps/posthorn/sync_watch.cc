// posthorn sync --watch: both sides are followed, until a signal comes.
#include <iostream>

#include "async/reactor.h"
#include "sync/remote_watch.h"
#include "sync/tree_sync.h"
#include "sync/tree_watch.h"
#include "sync_alarms.h"
#include "sync_session.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookAgain = 60s;      // at mailboxes that nothing is told about
constexpr auto kTrustFor = 5min;      // the same, when all are told about: should the server forget it, or be gone
constexpr unsigned kInVain = 4;       // runs in a row without anything to do: then the server talks too much
constexpr auto kFirstPause = 1s, kLongestPause = 60s;  // between attempts to connect

// What may be otherwise the next time; when it has worked once, nearly everything: a server says nonsense while it is being changed.
bool is_passing(Errc code, bool has_worked) {
  if (has_worked && code != Errc::denied) return true;
  return code == Errc::closed || code == Errc::timed_out || code == Errc::io || code == Errc::busy || code == Errc::not_found || code == Errc::no_space;
}

// The mailbox that the server is asked to tell about: the INBOX, or the first one that is wanted.
Task<Result<std::string>> mailbox_to_follow(SyncSession& s, client::ImapConnection& connection) {
  const auto options = options_for_sync(s);
  if (sync::is_wanted(options, "INBOX")) co_return "INBOX";
  CO_TRY(const auto all, co_await connection.list());
  for (const auto& one : all)
    if (one.selectable && sync::is_wanted(options, one.name)) co_return one.name;
  co_return std::string();
}

// How the mailbox was that is followed, when it was looked at last.
struct Followed {
  std::uint32_t uid_validity = 0, uid_next = 0, messages = 0;
  std::uint64_t mod_seq = 0;
  friend bool operator==(const Followed&, const Followed&) = default;
};

// What is known of the server's side as long as a connection lasts.
struct ServerSide {
  Followed followed;        // without NOTIFY
  sync::RemoteWatch watch;  // with it
  unsigned in_vain = 0;     // runs without anything to do since the server was silent
};

// Until files change, or it is time.
Task<> rest(Alarms& alarms, Deadline until) {
  while (!alarms.changed() && !alarms.stopped() && std::chrono::steady_clock::now() < until) co_await sleep_for(200ms);
}

// With NOTIFY: `states` is how all mailboxes are since it was asked for.
Task<Result<void>> await_news(SyncSession& s, client::ImapConnection& connection, Alarms& alarms, ServerSide& server, client::MailboxStates states) {
  const auto options = options_for_sync(s);
  bool news = server.watch.look(states, options);
  // Not all are personal; and without mod-sequences flags need not be told. [RFC5465 5.1]
  const bool all = server.watch.size() >= s.report.folders && (connection.has("CONDSTORE") || connection.has("QRESYNC"));
  const auto until = after(all ? kTrustFor : kLookAgain);
  while (!news && !alarms.changed() && std::chrono::steady_clock::now() < until) {
    CO_TRY_OK(co_await connection.idle(until));
    news = server.watch.hear(connection.take_unsolicited(), options);
  }
  co_return Result<void>{};
}

// Without NOTIFY: one mailbox is followed.
Task<Result<void>> await_change_of_one(SyncSession& s, client::ImapConnection& connection, Alarms& alarms, Followed& followed) {
  client::SelectWants wants;
  wants.read_only = true;
  CO_TRY(const auto mailbox, co_await mailbox_to_follow(s, connection));
  auto selected = mailbox.empty() ? Result<client::SelectedMailbox>(fail(Errc::not_found)) : co_await connection.select(mailbox, wants);
  if (!selected && !connection.is_usable()) co_return std::unexpected(selected.error());
  const auto until = after(kLookAgain);
  // What came between the run and this SELECT nobody tells: when it is not as it was before the run, another run is due.
  if (selected) {
    const Followed now{selected->uid_validity, selected->uid_next, selected->messages, selected->high_mod_seq};
    if (std::exchange(followed, now) != now) co_return Result<void>{};
  }
  if (!selected) co_await rest(alarms, until);
  if (alarms.changed() || !selected) co_return Result<void>{};
  CO_TRY_OK(co_await connection.idle(until));
  co_return Result<void>{};
}

Task<Result<void>> await_change_there(SyncSession& s, client::ImapConnection& connection, Alarms& alarms, ServerSide& server) {
  // Off during runs: what is pushed could be taken for an answer.  On again it tells what changed meanwhile.
  CO_TRY(auto states, co_await connection.follow_all());
  if (!states) co_return co_await await_change_of_one(s, connection, alarms, server.followed);
  CO_TRY_OK(co_await await_news(s, connection, alarms, server, *std::move(states)));
  co_return co_await connection.follow_selected();
}

// Longer and longer, when what the server tells is never worth a run.
Task<Result<void>> await_change(SyncSession& s, client::ImapConnection& connection, Alarms& alarms, ServerSide& server) {
  if (alarms.changed()) co_return Result<void>{};
  const auto began = std::chrono::steady_clock::now();
  CO_TRY_OK(co_await await_change_there(s, connection, alarms, server));
  if (alarms.changed() || std::chrono::steady_clock::now() - began >= kLookAgain) server.in_vain = 0;
  if (server.in_vain > kInVain) co_await rest(alarms, after(std::min<std::chrono::seconds>(kFirstPause * (1U << std::min(server.in_vain - kInVain, 6U)), kLongestPause)));
  co_return Result<void>{};
}

bool has_changed_nothing(const sync::SyncReport& r) {
  return r.downloaded + r.uploaded + r.moved + r.deleted_here + r.deleted_there + r.flags_here + r.flags_there + r.folders_made_here + r.folders_made_there +
             r.folders_removed_here + r.folders_removed_there + r.folders_renamed ==
         0;
}

// As long as this connection lasts.
Task<Result<void>> follow(SyncSession& s, const mailfile::MaildirTree& tree, sync::TreeWatch& watch, Alarms& alarms, bool& first) {
  // Nothing is under way yet: a signal ends us at once, however long a server takes to let us in.
  allow_ending_signals();
  auto dialed_or = co_await dial_for_sync(s);
  block_ending_signals();
  CO_TRY(auto dialed, std::move(dialed_or));
  const auto& connection = dialed.connection;
  alarms.attend(connection.get());
  Result<void> ended = alarms.stopped() ? Result<void>(fail(Errc::cancelled)) : co_await connection->open(std::move(dialed.stream));
  ServerSide server;
  while (ended && !alarms.stopped()) {
    alarms.take_changed();
    // Before the run, so that nothing that changes during it goes unheard.
    ended = watch.cover(tree);
    if (!ended && ended.error().code != Errc::limit) break;
    auto done = co_await sync::sync_tree(*connection, tree, options_for_sync(s));
    if (!done) {
      ended = std::unexpected(done.error());
      break;
    }
    s.report = *std::move(done);
    const bool in_vain = has_changed_nothing(s.report);
    server.in_vain = in_vain ? server.in_vain + 1 : 0;
    if (std::exchange(first, false) || !in_vain || !s.report.problems.empty()) tell_of_sync(s);
    std::cout.flush();
    s.progress.end();
    ended = co_await await_change(s, *connection, alarms, server);
  }
  alarms.attend(nullptr);
  if (connection->is_usable()) co_await connection->logout();
  co_return ended;
}

Task<int> follow_for_good(SyncSession& s, const mailfile::MaildirTree& tree) {
  auto watch = sync::TreeWatch::open();
  if (!watch) co_return say_client_error(s.options.client, "sync", watch.error());
  const auto alarms_made = std::make_shared<Alarms>(*watch, Reactor::current());
  auto& alarms = *alarms_made;
  alarms.start();
  bool first = true;
  std::chrono::milliseconds pause = kFirstPause;
  while (!alarms.stopped()) {
    const auto began = std::chrono::steady_clock::now();
    const auto done = co_await follow(s, tree, *watch, alarms, first);
    s.progress.end();
    if (alarms.stopped() || done) break;
    const int code = say_client_error(s.options.client, "sync", done.error());
    std::cout.flush();
    if (!is_passing(done.error().code, !first)) co_return code;
    if (std::chrono::steady_clock::now() - began > kLongestPause) pause = kFirstPause;
    for (auto left = pause; left > 0ms && !alarms.stopped(); left -= 100ms) co_await sleep_for(100ms);
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
  }
  co_return 0;
}

}  // namespace

int watch_and_sync(SyncSession& s, const mailfile::MaildirTree& tree) { return run_task(follow_for_good(s, tree)); }

}  // namespace posthorn
