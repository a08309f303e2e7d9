// posthorn fetch: the two ends, as the options have them.
#include <unistd.h>

#include <algorithm>

#include "async/event.h"
#include "async/reactor.h"
#include "base/log.h"
#include "client/submission.h"
#include "client_roads.h"
#include "fetch/imap_target.h"
#include "fetch/maildir_target.h"
#include "fetch/mbox_target.h"
#include "fetch/smtp_target.h"
#include "fetch_session.h"
#include "mailfile/maildir_tree.h"
#include "output.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

using client::Scheme;

std::chrono::milliseconds patience(const FetchSession& s) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(s.options.timeout * 1000));
}

Result<client::Pop3Options> pop3_options(const FetchSession& s) {
  TRY(auto out, pop3_options_of(s.source, s.credentials));
  out.apop = s.options.apop;
  out.ids_at_once = true;
  if (const auto each = patience(s); each.count() > 0)
    out.timeouts = {.tls = each, .greeting = each, .command = each, .block = each, .update = each};
  return out;
}

Result<client::ImapOptions> imap_options(const FetchSession& s) {
  TRY(auto out, imap_options_of(s.source, s.credentials));
  out.qresync = false;
  if (const auto each = patience(s); each.count() > 0)
    out.timeouts.opening = out.timeouts.command = out.timeouts.silence = each;
  return out;
}

Result<client::SmapOptions> smap_options(const FetchSession& s) {
  TRY(auto out, smap_options_of(s.source, s.credentials));
  if (const auto each = patience(s); each.count() > 0)
    out.timeouts.opening = out.timeouts.command = out.timeouts.silence = each;
  return out;
}

// "Archive/2024" is in INBOX there, as all that is one's own [SMAP1 15].
client::SmapPath folder_of(std::string_view mailbox) {
  client::SmapPath path{"INBOX"};
  if (text::iequals(mailbox, "INBOX")) return path;
  for (std::size_t at = 0; at <= mailbox.size();) {
    const auto end = std::min(mailbox.find('/', at), mailbox.size());
    path.emplace_back(mailbox.substr(at, end - at));
    at = end + 1;
  }
  return path;
}

fetch::FetchOptions fetch_options(FetchSession& s) {
  fetch::FetchOptions out;
  if (s.options.keep)
    out.keep.reset();
  else if (s.options.keep_days)
    out.keep = std::chrono::days(*s.options.keep_days);
  out.on_progress = [&s](const fetch::FetchProgress& p) {
    s.progress->show(client::ProgressState{
        .what = "posthorn fetch", .done = p.messages, .total = p.of_messages, .bytes = p.bytes});
  };
  out.on_note = [&s](const std::string& text) { s.note(text); };
  return out;
}

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 && *name ? name : "localhost";
}

Result<std::unique_ptr<fetch::Target>> make_server_target(FetchSession& s) {
  const auto& url = s.target.url;
  if (s.options.to.empty()) return fail(Errc::invalid, "a server as target needs --to ADDRESS");
  fetch::SmtpTargetOptions out;
  auto to = smtp::parse_mailbox(s.options.to);
  if (!to) return fail(Errc::invalid, "--to " + s.options.to + " is no address: " + to.error().text);
  out.to = *std::move(to);
  if (!s.options.from.empty()) {
    auto from = smtp::parse_mailbox(s.options.from);
    if (!from)
      return fail(Errc::invalid, "--from " + s.options.from + " is no address: " + from.error().text);
    out.from = *std::move(from);
  }
  TRY(s.target_tls, client::TlsForHosts::make(s.target.trust));
  out.tls = &*s.target_tls;
  const client::DoorWishes wishes{.fallback = false,
                                  .allow_plaintext = s.target.allow_plaintext,
                                  .protect = s.target_credentials.has_value()};
  out.server = {.url = url, .doors = client::doors_of(url, wishes)};
  out.smtp.hello = host_name();
  out.smtp.credentials = s.target_credentials;
  out.on_note = [&s](const std::string& text) { s.note(text); };
  return fetch::make_smtp_target(std::move(out));
}

// To the target, an IMAP server or the local store.
class RoadToTarget final : public fetch::ImapRoad {
 public:
  explicit RoadToTarget(const FetchSession& s) : s_(s) {}

  Task<Result<std::unique_ptr<client::ImapConnection>>> connect(WorkerPool& pool) override {
    const auto& url = s_.target.url;
    client::ImapOptions options;
    std::unique_ptr<net::Connection> stream;
    if (s_.local) {
      CO_TRY(const int fd, co_await pool.run([&] { return s_.local->connect(url.path); }));
      stream = std::make_unique<net::Connection>(fd, net::Peer{.ip = {}, .port = 0, .loopback = true});
      options.host = url.path;
      options.tls = client::TlsMode::none;
    } else {
      CO_TRY(options, imap_options_of(s_.target, s_.target_credentials));
      CO_TRY(stream, co_await dial_place(s_.target, pool));
    }
    options.qresync = false;
    auto server = std::make_unique<client::ImapConnection>(std::move(options));
    CO_TRY_OK(co_await server->open(std::move(stream)));
    co_return server;
  }

 private:
  const FetchSession& s_;
};

Result<std::unique_ptr<fetch::Target>> make_mailbox_target(FetchSession& s) {
  const auto& url = s.target.url;
  const bool is_local = url.scheme == Scheme::posthorn;
  if (is_local) {
    const auto config = load_config(s.options.common);
    if (!config)
      return fail(Errc::corrupt, "the configuration " + s.options.common.config + " cannot be used");
    if (log::kLevel.get() < log::Level::warning) log::set_level(log::Level::warning);
    TRY(s.local, app::LocalStore::open(*config, s.options.common.config));
  } else if (url.user.empty()) {
    return fail(Errc::invalid, "the target names no user, as in imaps://joe@mail.example.org");
  }
  fetch::ImapTargetOptions out;
  out.road = std::make_unique<RoadToTarget>(s);
  out.mailbox = s.target_mailbox();
  out.on_note = [&s](const std::string& text) { s.note(text); };
  return fetch::make_imap_target(std::move(out));
}

}  // namespace

Result<std::unique_ptr<fetch::Target>> make_fetch_target(FetchSession& s) {
  const auto& url = s.target.url;
  switch (url.scheme) {
    case Scheme::maildir: {
      TRY(const auto tree, mailfile::MaildirTree::open(url.path));
      TRY(auto inbox, tree.create({"INBOX"}));
      return fetch::make_maildir_target(std::move(inbox));
    }
    case Scheme::mbox:
      return fetch::make_mbox_target(url.path);
    case Scheme::smtp:
    case Scheme::submission:
    case Scheme::submissions:
    case Scheme::lmtp:
      return make_server_target(s);
    case Scheme::imap:
    case Scheme::imaps:
    case Scheme::posthorn:
      return make_mailbox_target(s);
    case Scheme::smap:
    case Scheme::smaps:
    case Scheme::pop3:
    case Scheme::pop3s:
      break;
  }
  return fail(Errc::invalid, "mail cannot be fetched into " + client::to_string(url) +
                                 ": maildir:, mbox:, posthorn:, imap:, lmtp: and smtp: can be");
}

namespace {

// The journal, which is read while the server is being connected to.
class OpeningJournal {
 public:
  // REQUIRES: ready() is awaited before it goes.
  OpeningJournal(FetchSession& s, std::string path, WorkerPool& pool)
      : s_(s), path_(std::move(path)), pool_(pool) {
    Reactor::current().spawn(open());
  }
  Task<> ready() {
    if (!std::exchange(waited_, true)) co_await done_.wait();
  }
  Result<fetch::Journal>& journal() { return *journal_; }

 private:
  using IfOfAnother = fetch::Journal::IfOfAnother;

  Task<> open() {
    auto owner = owner_of_state(s_.source.url, s_.mailbox, s_.target.url, rest_of_place(s_));
    const auto if_of_another = s_.options.adopt_state ? IfOfAnother::adopt : IfOfAnother::fail;
    journal_ =
        co_await pool_.run([&] { return fetch::Journal::open(path_, std::move(owner), if_of_another); });
    if (*journal_ && (*journal_)->was_damaged()) s_.note(path_ + " was damaged; some mail may be fetched again");
    done_.set();
  }

  FetchSession& s_;
  std::string path_;
  WorkerPool& pool_;
  std::optional<Result<fetch::Journal>> journal_;
  Event done_;
  bool waited_ = false;
};

class RoadFromPop3 final : public fetch::Pop3Road {
 public:
  explicit RoadFromPop3(const FetchSession& s) : s_(s) {}

  Task<Result<std::unique_ptr<client::Pop3Connection>>> connect(WorkerPool& pool) override {
    CO_TRY(auto stream, co_await dial_place(s_.source, pool));
    CO_TRY(auto options, pop3_options(s_));
    auto server = std::make_unique<client::Pop3Connection>(std::move(options));
    CO_TRY_OK(co_await server->open(std::move(stream)));
    co_return server;
  }

 private:
  const FetchSession& s_;
};

Task<Result<void>> fetch_it(FetchSession& s, WorkerPool& pool, fetch::Target& target,
                            OpeningJournal& opening) {
  if (s.is_pop3()) {
    RoadFromPop3 road(s);
    CO_TRY(auto server, co_await road.connect(pool));
    co_await opening.ready();
    if (!opening.journal()) co_return Result<void>{};
    co_return co_await fetch::fetch_pop3(std::move(server), road, target, *opening.journal(), pool,
                                         fetch_options(s), s.report);
  }
  CO_TRY(auto stream, co_await dial_place(s.source, pool));
  if (s.is_imap()) {
    CO_TRY(auto options, imap_options(s));
    client::ImapConnection server(std::move(options));
    CO_TRY_OK(co_await server.open(std::move(stream)));
    co_await opening.ready();
    if (!opening.journal()) co_return Result<void>{};
    co_return co_await fetch::fetch_imap(server, s.mailbox, target, *opening.journal(), pool,
                                         fetch_options(s), s.report);
  }
  CO_TRY(auto options, smap_options(s));
  client::SmapConnection server(std::move(options));
  CO_TRY_OK(co_await server.open(std::move(stream)));
  co_await opening.ready();
  if (!opening.journal()) co_return Result<void>{};
  co_return co_await fetch::fetch_smap(server, folder_of(s.mailbox), target, *opening.journal(), pool,
                                       fetch_options(s), s.report);
}

}  // namespace

Task<Result<void>> fetch_from_source(FetchSession& s, std::string state, WorkerPool& pool,
                                     fetch::Target& target) {
  OpeningJournal opening(s, std::move(state), pool);
  auto done = co_await fetch_it(s, pool, target, opening);
  co_await opening.ready();
  co_await target.close();
  if (auto& journal = opening.journal(); !journal) co_return std::unexpected(std::move(journal).error());
  // -ERR and NO without a code: nobody can tell whether it is for good [RFC1939 3], but it is not the command
  // line.
  if (!done && done.error().code == Errc::invalid) done.error().code = Errc::busy;
  co_return done;
}

}  // namespace posthorn
