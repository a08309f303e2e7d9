// posthorn sync: one account and one tree, until both are alike.
#include <sysexits.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "async/reactor.h"
#include "client/imap_connection.h"
#include "client_roads.h"
#include "mailfile/maildir_tree.h"
#include "progress.h"
#include "sync/tree_sync.h"
#include "sync_session.h"

namespace posthorn {
namespace {

using client::Scheme;

Result<client::ImapOptions> imap_options(const SyncSession& s) {
  TRY(auto out, imap_options_of(s.server, s.credentials));
  out.compress = s.options.compress;
  out.namespaces = true;
  if (s.options.timeout > 0) {
    const auto patience = std::chrono::milliseconds(static_cast<std::int64_t>(s.options.timeout * 1000));
    out.timeouts.opening = out.timeouts.silence = patience;
  }
  return out;
}

boost::json::object as_json(const sync::SyncReport& r) {
  return {{"ok", r.problems.empty()},
          {"folders", r.folders},
          {"folders_unchanged", r.skipped},
          {"downloaded", r.downloaded},
          {"uploaded", r.uploaded},
          {"moved", r.moved},
          {"matched", r.matched},
          {"deleted_here", r.deleted_here},
          {"deleted_there", r.deleted_there},
          {"flags_here", r.flags_here},
          {"flags_there", r.flags_there},
          {"folders_made_here", r.folders_made_here},
          {"folders_made_there", r.folders_made_there},
          {"folders_removed_here", r.folders_removed_here},
          {"folders_removed_there", r.folders_removed_there},
          {"folders_renamed", r.folders_renamed},
          {"notes", boost::json::array(r.notes.begin(), r.notes.end())},
          {"problems", boost::json::array(r.problems.begin(), r.problems.end())}};
}

std::string in_words(const sync::SyncReport& r) {
  std::string out;
  const auto add = [&out](std::uint64_t count, std::string_view what) {
    if (count > 0) out += (out.empty() ? "" : ", ") + client::grouped(count) + " " + std::string(what);
  };
  add(r.downloaded, "downloaded");
  add(r.uploaded, "uploaded");
  add(r.moved, "moved");
  add(r.deleted_here, "deleted here");
  add(r.deleted_there, "deleted on the server");
  add(r.flags_here, "with new flags here");
  add(r.flags_there, "with new flags on the server");
  add(r.folders_made_here + r.folders_made_there, "folders made");
  add(r.folders_removed_here + r.folders_removed_there, "folders removed");
  add(r.folders_renamed, "folders renamed");
  return out.empty() ? "nothing to do" : out;
}

Result<Place> find_server(const SyncCliOptions& o) {
  TRY(auto place, find_place(o.client, o.server));
  if (place.url.scheme != Scheme::imap && place.url.scheme != Scheme::imaps)
    return fail(Errc::invalid, client::to_string(place.url) + " is no IMAP account: imaps://USER@HOST is one");
  if (place.url.user.empty()) return fail(Errc::invalid, client::to_string(place.url) + " does not say who signs in: imaps://USER@HOST does");
  return place;
}

Result<mailfile::MaildirTree> open_tree(const SyncCliOptions& o) {
  std::string path = o.tree;
  if (path.starts_with("maildir:")) {
    TRY(const auto url, client::parse_mail_url(o.tree));
    path = url.path;
  }
  return sync::open_tree(path, o.layout == "nested" ? mailfile::MaildirLayout::nested : mailfile::MaildirLayout::maildir_pp);
}

Task<Result<void>> run_once(SyncSession& s, const mailfile::MaildirTree& tree) {
  CO_TRY(auto dialed, co_await dial_for_sync(s));
  const auto& connection = dialed.connection;
  CO_TRY_OK(co_await connection->open(std::move(dialed.stream)));
  auto done = co_await sync::sync_tree(*connection, tree, options_for_sync(s));
  if (done) s.report = *std::move(done);
  if (connection->is_usable()) co_await connection->logout();
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>{};
}

}  // namespace

sync::SyncOptions options_for_sync(SyncSession& s) {
  sync::SyncOptions out;
  out.account = s.server.url.user + "@" + s.server.url.host;
  out.force_delete = s.options.force_delete;
  out.only = s.options.only;
  out.except = s.options.except;
  out.progress = [&s](const std::string& folder, std::uint64_t done, std::uint64_t all) {
    s.progress.show(client::ProgressState{.what = "posthorn sync " + printable(folder), .done = done, .total = all});
  };
  return out;
}

Task<Result<DialedForSync>> dial_for_sync(SyncSession& s) {
  CO_TRY(auto options, imap_options(s));
  CO_TRY(auto stream, co_await dial_place(s.server, s.pool));
  co_return DialedForSync{.connection = std::make_unique<client::ImapConnection>(std::move(options)), .stream = std::move(stream)};
}

int tell_of_sync(SyncSession& s) {
  s.progress.end();
  const auto& r = s.report;
  const int code = r.problems.empty() ? EX_OK : EX_TEMPFAIL;
  if (s.options.client.json) {
    std::cout << boost::json::serialize(as_json(r)) << '\n';
    return code;
  }
  for (const auto& note : r.notes) std::cerr << "posthorn sync: " << printable(note) << '\n';
  for (const auto& problem : r.problems) std::cerr << "posthorn sync: " << printable(problem) << '\n';
  if (!s.options.client.quiet && (s.options.client.verbose || ::isatty(STDOUT_FILENO)))
    std::cout << client::grouped(r.folders) << " folders: " << in_words(r) << '\n';
  return code;
}

int sync_command(const SyncCliOptions& o) {
  constexpr std::string_view kName = "sync";
  auto server = find_server(o);
  if (!server) return say_client_error(o.client, kName, server.error());
  auto credentials = obtain_credentials(*server);
  if (!credentials) return say_client_error(o.client, kName, credentials.error());
  const auto tree = open_tree(o);
  if (!tree) return say_client_error(o.client, kName, tree.error());
  if (o.watch) block_ending_signals();
  SyncSession s{.options = o, .server = *std::move(server), .credentials = *std::move(credentials), .report = {}, .progress = Progress(!o.client.quiet && !o.client.json)};
  if (o.watch) return watch_and_sync(s, *tree);
  const auto done = run_task(run_once(s, *tree));
  if (done) return tell_of_sync(s);
  s.progress.end();
  return say_client_error(o.client, kName, done.error());
}

}  // namespace posthorn
