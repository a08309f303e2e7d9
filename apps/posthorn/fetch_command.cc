// posthorn fetch: mail from one account into one place.
#include <sysexits.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "async/reactor.h"
#include "client/dial.h"
#include "fetch/fetch.h"
#include "fetch/maildir_target.h"
#include "fetch_options.h"
#include "mailfile/maildir_tree.h"
#include "progress.h"

namespace posthorn {
namespace {

using client::Scheme;

struct Session {
  const FetchCliOptions& options;
  Place source, target;
  std::optional<client::Credentials> credentials;
  fetch::FetchReport report;
  std::unique_ptr<Progress> progress;
  std::vector<std::string> notes;

  bool is_pop3() const { return source.url.scheme == Scheme::pop3 || source.url.scheme == Scheme::pop3s; }
};

client::TlsMode tls_mode(const Place& place, bool implicit) {
  if (implicit) return client::TlsMode::implicit;
  return place.allow_plaintext ? client::TlsMode::opportunistic : client::TlsMode::required;
}

Result<client::Pop3Options> pop3_options(const Session& s) {
  TRY(const auto tls, client::TlsForHosts::make(s.source.trust));
  client::Pop3Options out;
  out.tls = tls_mode(s.source, s.source.url.scheme == Scheme::pop3s);
  out.tls_context = tls.context();
  out.tls_policy = tls.policy(s.source.url.host);
  out.credentials = s.credentials;
  out.host = s.source.url.host;
  out.apop = s.options.apop;
  if (s.options.timeout > 0) {
    const auto patience = std::chrono::milliseconds(static_cast<std::int64_t>(s.options.timeout * 1000));
    out.timeouts = {
        .tls = patience, .greeting = patience, .command = patience, .block = patience, .update = patience};
  }
  return out;
}

fetch::FetchOptions fetch_options(Session& s) {
  fetch::FetchOptions out;
  if (s.options.keep)
    out.keep.reset();
  else if (s.options.keep_days)
    out.keep = std::chrono::days(*s.options.keep_days);
  out.on_progress = [&s](const fetch::FetchProgress& p) {
    s.progress->show(client::ProgressState{
        .what = "posthorn fetch", .done = p.messages, .total = p.of_messages, .bytes = p.bytes});
  };
  out.on_note = [&s](const std::string& text) { s.notes.push_back(text); };
  return out;
}

Result<std::unique_ptr<fetch::Target>> make_target(const Session& s) {
  const auto& url = s.target.url;
  switch (url.scheme) {
    case Scheme::maildir: {
      TRY(const auto tree, mailfile::MaildirTree::open(url.path));
      TRY(auto inbox, tree.create({"INBOX"}));
      return fetch::make_maildir_target(std::move(inbox));
    }
    default:
      return fail(Errc::invalid, "mail cannot be fetched into " + client::to_string(url));
  }
}

Task<Result<void>> fetch_all(Session& s, WorkerPool& pool, fetch::Target& target, fetch::Journal& journal) {
  const auto& url = s.source.url;
  CO_TRY(auto options, pop3_options(s));
  const auto port = url.port == 0 ? client::default_port(url.scheme) : url.port;
  CO_TRY(auto stream, co_await client::dial(url.host, port, pool, after(std::chrono::minutes(2))));
  client::Pop3Connection server(std::move(options));
  CO_TRY_OK(co_await server.open(std::move(stream)));
  co_return co_await fetch::fetch_pop3(server, target, journal, pool, fetch_options(s), s.report);
}

// An error's text, and what to do about it.
Error advice(const Session& s, Error why) {
  const auto stored = std::to_string(s.report.stored);
  if (why.code == Errc::no_space)
    why.text +=
        "; " + stored + " messages are stored, the rest is still on the server: make room and run this again";
  else if (s.report.stored > 0 && why.code != Errc::invalid)
    why.text += "; " + stored + " messages are stored, run this again for the rest";
  return why;
}

int tell(const Session& s) {
  const auto& r = s.report;
  const int code = r.refused > 0 ? EX_TEMPFAIL : EX_OK;
  if (s.options.client.json) {
    const boost::json::object out{{"ok", code == EX_OK}, {"on_server", r.on_server}, {"known", r.known},
                                  {"stored", r.stored},  {"removed", r.removed},     {"refused", r.refused},
                                  {"bytes", r.bytes}};
    std::cout << boost::json::serialize(out) << '\n';
    return code;
  }
  for (const auto& note : s.notes) std::cerr << "posthorn fetch: " << printable(note) << '\n';
  if (!s.options.client.quiet && (s.options.client.verbose || ::isatty(STDOUT_FILENO)))
    std::cout << r.stored << " messages fetched, " << r.removed << " removed from the server, " << r.known
              << " were known\n";
  return code;
}

Result<void> run(Session& s) {
  WorkerPool pool(2);
  auto state = s.options.state;
  if (state.empty()) {
    TRY(state, usual_state_file(s.source.url, s.options.mailbox, s.target.url));
  }
  TRY(auto journal, fetch::Journal::open(state));
  if (journal.was_damaged()) s.notes.push_back(state + " was damaged; some mail may be fetched again");
  TRY(const auto target, make_target(s));
  return run_task(fetch_all(s, pool, *target, journal));
}

Result<Session> prepare(const FetchCliOptions& o) {
  TRY(auto source, find_place(o.client, o.source));
  TRY(auto target, find_place(o.client, o.target));
  const bool can = source.url.scheme == Scheme::pop3 || source.url.scheme == Scheme::pop3s;
  if (!can)
    return fail(Errc::invalid, "mail cannot be fetched from " + client::to_string(source.url) +
                                   ": pop3:// and pop3s:// can be");
  if (source.url.user.empty())
    return fail(Errc::invalid, "the source names no user, as in pop3s://joe@mail.example.org");
  TRY(auto credentials, obtain_credentials(source));
  return Session{.options = o,
                 .source = std::move(source),
                 .target = std::move(target),
                 .credentials = std::move(credentials),
                 .report = {},
                 .progress = std::make_unique<Progress>(!o.client.json && !o.client.quiet),
                 .notes = {}};
}

}  // namespace

int fetch_command(const FetchCliOptions& o) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of the size of files is a full disk
  std::signal(SIGPIPE, SIG_IGN);
  auto session = prepare(o);
  if (!session) return say_client_error(o.client, "fetch", session.error());
  auto done = run(*session);
  session->progress->end();
  if (!done) return say_client_error(o.client, "fetch", advice(*session, std::move(done).error()));
  return tell(*session);
}

}  // namespace posthorn
