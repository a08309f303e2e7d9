// posthorn fetch: mail from one account into one place.
#include <sysexits.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "async/reactor.h"
#include "fetch_session.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

// An error's text, and what to do about it.
Error advice(const FetchSession& s, Error why) {
  const auto stored = std::to_string(s.report.stored) + " messages are stored";
  if (why.code == Errc::no_space)
    why.text += "; " + stored + ", the rest is still on the server: make room and run this again";
  else if (s.report.stored > 0 && why.code != Errc::invalid)
    why.text += "; " + stored + ", run this again for the rest";
  return why;
}

void tell_notes(const FetchSession& s) {
  for (const auto& note : s.notes) std::cerr << "posthorn fetch: " << printable(note) << '\n';
  if (s.more_notes > 0) std::cerr << "posthorn fetch: and " << s.more_notes << " more like these\n";
}

int tell(const FetchSession& s) {
  const auto& r = s.report;
  const bool all = r.refused == 0;
  if (s.options.client.json) {
    const boost::json::object out{{"ok", all},          {"on_server", r.on_server}, {"known", r.known},
                                  {"stored", r.stored}, {"removed", r.removed},     {"refused", r.refused},
                                  {"bytes", r.bytes}};
    std::cout << boost::json::serialize(out) << '\n';
  } else if (!s.options.client.quiet && (s.options.client.verbose || ::isatty(STDOUT_FILENO))) {
    std::cout << r.stored << " messages fetched, " << r.removed << " removed from the server, " << r.known
              << " were known\n";
  }
  return all ? EX_OK : EX_TEMPFAIL;
}

Result<void> run(FetchSession& s) {
  WorkerPool pool(2);
  auto state = s.options.state;
  if (state.empty()) {
    TRY(state, usual_state_file(s.source.url, s.mailbox, s.target.url, rest_of_place(s)));
  }
  TRY(const auto target, make_fetch_target(s));
  return run_task(fetch_from_source(s, std::move(state), pool, *target));
}

// What was fetched would be there again, and fetched again: for ever.
bool fetches_into_itself(const FetchSession& s) {
  const auto &from = s.source.url, &to = s.target.url;
  if (to.scheme != client::Scheme::imap && to.scheme != client::Scheme::imaps) return false;
  const auto usual = [](const client::MailUrl& url) {
    return url.port == 0 || url.port == client::default_port(url.scheme);
  };
  // Behind other ports may be other servers, as where connections go through a tunnel.
  const bool one_server = text::iequals(from.host, to.host) && (from.port == to.port || (usual(from) && usual(to)));
  const auto mailbox = s.is_pop3() ? std::string("INBOX") : s.mailbox;
  return one_server && from.user == to.user && text::iequals(mailbox, s.target_mailbox());
}

Result<FetchSession> prepare(const FetchCliOptions& o) {
  TRY(auto source, find_place(o.client, o.source));
  TRY(auto target, find_place(o.client, o.target));
  FetchSession out{.options = o, .source = std::move(source), .target = std::move(target)};
  const auto& url = out.source.url;
  if (!out.is_pop3() && !out.is_imap() && !out.is_smap())
    return fail(Errc::invalid, "mail cannot be fetched from " + client::to_string(url) +
                                   ": pop3://, pop3s://, imap://, imaps://, smap:// and smaps:// can be");
  if (url.user.empty())
    return fail(Errc::invalid, "the source names no user, as in pop3s://joe@mail.example.org");
  if (out.is_pop3() && !(o.mailbox + url.path).empty())
    return fail(Errc::invalid, "POP3 has no mailboxes to choose from");
  if (!out.is_pop3()) out.mailbox = !o.mailbox.empty() ? o.mailbox : !url.path.empty() ? url.path : "INBOX";
  if (fetches_into_itself(out)) return fail(Errc::invalid, "source and target are the same mailbox");
  TRY(out.credentials, obtain_credentials(out.source));
  if (client::is_server(out.target.url.scheme)) {
    TRY(out.target_credentials, obtain_credentials(out.target));
  }
  out.progress = std::make_unique<Progress>(!o.client.json && !o.client.quiet);
  return out;
}

}  // namespace

std::string rest_of_place(const FetchSession& s) {
  auto rest = s.options.target_mailbox;
  if (!s.options.to.empty()) rest += "\nto " + s.options.to;
  if (s.target.url.scheme == client::Scheme::posthorn) {
    std::error_code error;
    const auto config = std::filesystem::weakly_canonical(std::filesystem::absolute(s.options.common.config, error), error);
    rest += "\nin " + (error ? s.options.common.config : config.string());
  }
  return rest;
}

int fetch_command(const FetchCliOptions& o) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of the size of files is a full disk
  std::signal(SIGPIPE, SIG_IGN);
  auto session = prepare(o);
  if (!session) return say_client_error(o.client, "fetch", session.error());
  auto done = run(*session);
  session->progress->end();
  tell_notes(*session);
  if (!done) return say_client_error(o.client, "fetch", advice(*session, std::move(done).error()));
  return tell(*session);
}

}  // namespace posthorn
