// Lists the mailboxes of an IMAP account: mailboxes imaps://joe@mail.example.org [authorities.pem]
// The password comes from the environment, MAIL_PASSWORD.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "async/reactor.h"
#include "client/dial.h"
#include "client/imap_connection.h"
#include "client/url.h"

namespace {

using namespace posthorn;
using namespace std::chrono_literals;

Task<Result<void>> list_mailboxes(client::MailUrl url, client::ServerTrust trust, std::string password, WorkerPool& workers) {
  CO_TRY(const auto tls, client::TlsForHosts::make(std::move(trust)));
  client::ImapOptions options;
  options.host = url.host;
  options.tls = url.scheme == client::Scheme::imaps ? client::TlsMode::implicit : client::TlsMode::required;
  options.tls_context = tls.context();
  options.tls_policy = tls.policy(url.host);
  options.credentials = client::Credentials{.user = url.user, .password = std::move(password)};

  const auto port = url.port ? url.port : client::default_port(url.scheme);
  CO_TRY(auto stream, co_await client::dial(url.host, port, workers, after(30s)));
  client::ImapConnection connection(std::move(options));
  CO_TRY_OK(co_await connection.open(std::move(stream)));
  CO_TRY(const auto mailboxes, co_await connection.list({.status = true}));
  for (const auto& mailbox : mailboxes) {
    if (mailbox.status && mailbox.status->messages) std::printf("%8u  %s\n", *mailbox.status->messages, mailbox.name.c_str());
    else std::printf("%8s  %s\n", "", mailbox.name.c_str());
  }
  co_await connection.logout();
  co_return Result<void>{};
}

}  // namespace

int main(int argc, char** argv) {
  const char* password = std::getenv("MAIL_PASSWORD");
  const auto url = client::parse_mail_url(argc > 1 ? argv[1] : "");
  if (!url || !password || (url->scheme != client::Scheme::imaps && url->scheme != client::Scheme::imap)) {
    std::fputs("MAIL_PASSWORD=... mailboxes imaps://USER@HOST [AUTHORITIES.pem]\n", stderr);
    return 64;
  }
  WorkerPool workers(1);
  const auto done = run_task(list_mailboxes(*url, {.ca_file = argc > 2 ? argv[2] : ""}, password, workers));
  if (!done) std::fprintf(stderr, "mailboxes: %s\n", done.error().text.c_str());
  return done ? 0 : 69;
}
