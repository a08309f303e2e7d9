// posthorn sync: its options.
#include <CLI/CLI.hpp>

#include "cli.h"
#include "sync_options.h"

namespace posthorn {

void add_sync_command(CLI::App& top, Run& chosen) {
  static SyncCliOptions o;
  auto* sub = top.add_subcommand("sync", "Keep a Maildir tree and an IMAP account alike, both ways: messages, flags and folders");
  sub->add_option("account", o.server.name, "The account: imaps://USER@HOST or imap://, or the name of one in the accounts file")->required();
  sub->add_option("tree", o.tree, "The Maildir tree, as maildir:PATH")->required();
  sub->add_option("--layout", o.layout, "The layout of a tree that is new: maildir++ (as Dovecot and Courier have it) or nested (as mbsync's Verbatim)")
      ->capture_default_str()
      ->check(CLI::IsMember({"maildir++", "nested"}));
  sub->add_option("--folder", o.only, "Only mailboxes with this name, in which * stands for anything; may be given several times")->expected(1)->take_all()->allow_extra_args(false);
  sub->add_option("--exclude", o.except, "No mailboxes with this name, likewise")->expected(1)->take_all()->allow_extra_args(false);
  sub->add_flag("--force-delete", o.force_delete, "Delete messages and folders even where one side has suddenly nothing any more");
  sub->add_flag("--compress", o.compress, "Compress what is transferred, where the server can");
  sub->add_flag("--watch", o.watch, "Stay connected and follow the changes of both sides, until interrupted");
  sub->add_option("--timeout", o.timeout, "How many seconds one wait for the server may last")->check(CLI::Range(0.1, 86400.0));
  add_place_options(*sub, o.server);
  add_client_options(*sub, o.client);
  sub->callback([&chosen] { chosen = [] { return sync_command(o); }; });
}

}  // namespace posthorn
