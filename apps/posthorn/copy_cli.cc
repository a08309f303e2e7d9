// posthorn copy, export, import: their options.
#include <CLI/CLI.hpp>

#include "cli.h"
#include "copy_command.h"

namespace posthorn {
namespace {

void add_what(CLI::App& sub, CopyCommand& o) {
  sub.add_option("--folder", o.options.folders, "Only this folder and those below it, as Archive/2024")->expected(1)->take_all()->allow_extra_args(false);
  sub.add_option("--without", o.options.without, "Leave out this folder and those below it")->expected(1)->take_all()->allow_extra_args(false);
  sub.add_option("--rename", o.renamed, "A folder is to have another name there, as 'Sent Items=Sent'")->expected(1)->take_all()->allow_extra_args(false);
  sub.add_flag("--new-uids", o.options.new_uids, "Give messages new UIDs also where their old ones could be kept");
  sub.add_flag("--no-flags", o.no_flags, "Leave the flags of messages alone that are there already");
  sub.add_flag("--leave-deleted", o.options.leave_deleted, "Do not copy again what was deleted at the target, where UIDs are kept");
  sub.add_flag("--dry-run", o.options.dry_run, "Say what would be copied");
  sub.add_flag("--verify", o.verify, "Compare every message at both places octet by octet when all is copied");
  sub.add_option("--retries", o.retries, "How often to begin again when a connection breaks before anything was copied")->capture_default_str()->check(CLI::Range(0, 100));
}

constexpr const char* kExit =
    "\nExit:\n0, all is there; 65, messages were refused or differ (each is named); 64 usage, 67 no such account, 68 to 76 servers and "
    "connections, 77 signing in. A run that was stopped goes on where it was.\n";

}  // namespace

void add_copy_commands(CLI::App& top, Run& chosen) {
  static CopyCommand copy, exporting, importing;
  const auto config = [](CLI::App& sub, CopyCommand& o) {
    sub.add_option("-c,--config", o.common.config, "The configuration file of the local store")->capture_default_str();
  };
  auto* sub = top.add_subcommand("copy", "Copy the mail of accounts from one place to another, with folders, flags and dates; again, only the difference");
  sub->add_option("source", copy.source.name, "Where the mail is: imaps://joe@mail.example.org, smaps://, pop3s://, maildir:PATH, mbox:FILE, posthorn:joe@example.org, or the name of an account");
  sub->add_option("target", copy.target.name, "Where it is to be, likewise");
  add_what(*sub, copy);
  sub->add_option("--csv", copy.accounts_csv, "Copy many accounts: a file of lines source,password,target,password; - is standard input");
  sub->add_option("--connections", copy.connections, "How many accounts of --csv at once")->capture_default_str()->check(CLI::Range(1, 100));
  add_place_options(*sub, copy.source, "source-");
  add_place_options(*sub, copy.target, "target-");
  add_client_options(*sub, copy.client);
  config(*sub, copy);
  sub->footer(std::string("Examples:\n  posthorn copy imaps://joe@old.example.org posthorn:joe@example.org --source-password-file joe.pw --verify\n"
                          "  posthorn copy imaps://joe@old.example.org imaps://joe@new.example.org\n"
                          "  posthorn copy --csv accounts.csv --connections 8\n") + kExit);
  sub->callback([&chosen] { chosen = [] { return copy_command(copy); }; });

  exporting.verb = "export";
  sub = top.add_subcommand("export", "Copy the mail of a local account to another place");
  sub->add_option("address", exporting.source.name, "The account, as joe@example.org")->required();
  sub->add_option("target", exporting.target.name, "Where it is to be: maildir:PATH, mbox:FILE, imaps://joe@mail.example.org")->required();
  add_what(*sub, exporting);
  add_place_options(*sub, exporting.target);
  add_client_options(*sub, exporting.client);
  config(*sub, exporting);
  sub->footer(std::string("Examples:\n  posthorn export joe@example.org maildir:/backup/joe\n") + kExit);
  sub->callback([&chosen] {
    exporting.source.name = "posthorn:" + exporting.source.name;
    chosen = [] { return copy_command(exporting); };
  });

  importing.verb = "import";
  sub = top.add_subcommand("import", "Copy mail from another place into a local account");
  sub->add_option("source", importing.source.name, "Where the mail is: maildir:PATH, mbox:FILE, imaps://joe@mail.example.org")->required();
  sub->add_option("address", importing.target.name, "The account, as joe@example.org")->required();
  add_what(*sub, importing);
  add_place_options(*sub, importing.source);
  add_client_options(*sub, importing.client);
  config(*sub, importing);
  sub->footer(std::string("Examples:\n  posthorn import maildir:/backup/joe joe@example.org --verify\n") + kExit);
  sub->callback([&chosen] {
    importing.target.name = "posthorn:" + importing.target.name;
    chosen = [] { return copy_command(importing); };
  });
}

}  // namespace posthorn
