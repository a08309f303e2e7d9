// posthorn fetch: its options.
#include <CLI/CLI.hpp>

#include "cli.h"
#include "fetch_options.h"

namespace posthorn {

void add_fetch_command(CLI::App& top, Run& chosen) {
  static FetchCliOptions o;
  auto* sub = top.add_subcommand("fetch",
                                 "Download mail from a POP3, IMAP or SMAP server into a Maildir, an mbox file or "
                                 "another server, each message once");
  sub->add_option("source", o.source.name,
                  "The account: pop3s://USER@HOST, pop3://, imaps://, imap://, smaps:// or smap://, or the name of "
                  "one in the accounts file")
      ->required();
  sub->add_option("target", o.target.name,
                  "Where the mail goes: maildir:PATH, mbox:FILE, posthorn:ADDRESS in the local store, "
                  "or a server as imaps://USER@HOST, lmtp://HOST:PORT, lmtp:PATH or smtp://HOST")
      ->required();
  auto* keep = sub->add_flag(
      "--keep", o.keep,
      "Leave the mail on the server; without this it is removed there once it is stored safely");
  sub->add_option("--keep-days", o.keep_days,
                  "Leave the mail on the server for so many days after it was fetched")
      ->check(CLI::Range(0, 36500))
      ->excludes(keep);
  sub->add_option(
      "--state", o.state,
      "Remember what was fetched in this file, instead of one below ~/.local/state/posthorn/fetch");
  sub->add_flag(
      "--adopt-state", o.adopt_state,
      "The file of --state is of this account, though it was written when the account was called otherwise");
  sub->add_option("--mailbox", o.mailbox, "The mailbox of an IMAP or SMAP server, instead of INBOX");
  sub->add_option("--target-mailbox", o.target_mailbox,
                  "The mailbox of an IMAP server or a local account as target, instead of INBOX");
  sub->add_option("-c,--config", o.common.config, "The configuration file of the local store")
      ->capture_default_str();
  sub->add_option("--to", o.to, "Whom a server as target delivers to");
  sub->add_option("--from", o.from,
                  "The sender to tell a server as target; without this there is none, and nothing bounces");
  sub->add_option("--timeout", o.timeout, "How many seconds one wait for the server may last")
      ->check(CLI::Range(0.1, 86400.0));
  sub->add_flag("--apop", o.apop,
                "Sign in by APOP where nothing better is offered and the password may not be shown");
  add_place_options(*sub, o.source);
  add_place_options(*sub, o.target, "target-");
  add_client_options(*sub, o.client);
  sub->callback([&chosen] { chosen = [] { return fetch_command(o); }; });
}

}  // namespace posthorn
