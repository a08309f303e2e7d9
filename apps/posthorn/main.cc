// posthorn: the command line.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli.h"
#include "commands.h"
#include "sendmail.h"
#include "setup.h"

namespace posthorn {
namespace {

// What the options of all sub-commands are read into.
struct Arguments {
  Common common;
  std::string address, domain, password_file, quota = "none", file;
  Counts limits;
  std::vector<std::string> targets;
  std::string settings;
  std::string selector;
  std::string id;
  QueueSelection selection;
  bool recipients = false;
  int limit = 20;
  SetupOptions setup;
  bool usage = false, all = false, no_dkim = false, activate = false, off = false;
};

// A sub-command with what they all have; `run` is what was chosen, in the end.
CLI::App* command(CLI::App& parent, Arguments& a, Run& chosen, const std::string& name, const std::string& help, Run run) {
  auto* sub = parent.add_subcommand(name, help);
  sub->add_option("-c,--config", a.common.config, "The configuration file")->capture_default_str();
  sub->add_flag("--json", a.common.json, "Print the answer as JSON");
  sub->callback([&chosen, run = std::move(run)] { chosen = run; });
  return sub;
}

void add_server_commands(CLI::App& top, Arguments& a, Run& chosen) {
  command(top, a, chosen, "serve", "Run the server in the foreground", [&a] { return serve(a.common, POSTHORN_VERSION); });
  command(top, a, chosen, "check-config", "Say what is wrong with the configuration file",
          [&a] { return check_config(a.common, a.settings); })
      ->add_option("--settings", a.settings, "Print every setting with its default instead: as toml, or as the manual's table (markdown)")
      ->expected(0, 1)
      ->default_str("toml")
      ->check(CLI::IsMember({"toml", "markdown"}));
  command(top, a, chosen, "version", "Print the version", [] {
    std::puts("posthorn " POSTHORN_VERSION);
    return int{kDone};
  });
  command(top, a, chosen, "status", "How the running server is", [&a] { return status(a.common, a.all); })
      ->add_flag("--all", a.all, "All figures");
  command(top, a, chosen, "hold-store", "", [&a] { return hold_store(a.common); })->group("");
  auto* store = top.add_subcommand("store", "The stored mail");
  command(*store, a, chosen, "check", "Verify every checksum, link, counter and UID order (exit code 4: problems)",
          [&a] { return store_check(a.common); });
}

void add_domain_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* domain = top.add_subcommand("domain", "Domains that are served here");
  auto* add = command(*domain, a, chosen, "add", "Add a domain, with keys for DKIM", [&a] { return domain_add(a.common, a.domain, !a.no_dkim); });
  add->add_option("domain", a.domain)->required();
  add->add_flag("--no-dkim", a.no_dkim, "Make no keys: its mail is not signed here");
  command(*domain, a, chosen, "list", "List the domains", [&a] { return domain_list(a.common); });
  command(*domain, a, chosen, "remove", "Remove a domain without accounts and aliases",
          [&a] { return domain_remove(a.common, a.domain); })
      ->add_option("domain", a.domain)->required();
}

void add_dkim_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* domain = top.get_subcommand("domain");
  command(*domain, a, chosen, "dns", "All DNS records that belong to it, as lines of a zone file", [&a] { return domain_dns(a.common, a.domain); })
      ->add_option("domain", a.domain)->required();
  auto* dkim = domain->add_subcommand("dkim", "The keys that sign a domain's mail");
  command(*dkim, a, chosen, "list", "List the keys and what they are doing", [&a] { return dkim_list(a.common, a.domain); })
      ->add_option("domain", a.domain)->required();
  auto* rotate = command(*dkim, a, chosen, "rotate", "Make new keys and print their DNS records; they sign once they are activated",
                         [&a] { return dkim_rotate(a.common, a.domain, a.activate); });
  rotate->add_option("domain", a.domain)->required();
  rotate->add_flag("--activate", a.activate, "Sign with them at once, before anybody can know them");
  command(*dkim, a, chosen, "activate", "Sign with the new keys, whose records are published; the old ones retire",
          [&a] { return dkim_activate(a.common, a.domain); })
      ->add_option("domain", a.domain)->required();
  auto* remove = command(*dkim, a, chosen, "remove", "Remove a key", [&a] { return dkim_remove(a.common, a.domain, a.selector); });
  remove->add_option("domain", a.domain)->required();
  remove->add_option("selector", a.selector)->required();
}

void add_account_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* account = top.add_subcommand("account", "Accounts: addresses with a password and mail");
  const auto password_file = [&a](CLI::App* sub) {
    sub->add_option("address", a.address)->required();
    sub->add_option("--password-file", a.password_file, "The password is the first line of this file; - is standard input");
    return sub;
  };
  password_file(command(*account, a, chosen, "add", "Add an account",
                        [&a] { return account_add(a.common, a.address, a.password_file, a.quota); }))
      ->add_option("--quota", a.quota, "The mail it may keep, as \"1 GiB\"")->capture_default_str();
  auto* list = command(*account, a, chosen, "list", "List the accounts", [&a] { return account_list(a.common, a.domain, a.usage); });
  list->add_option("domain", a.domain, "Of this domain only");
  list->add_flag("--usage", a.usage, "With messages, size and quota");
  command(*account, a, chosen, "remove", "Remove an account and all its mail",
          [&a] { return account_remove(a.common, a.address); })
      ->add_option("address", a.address)->required();
  password_file(command(*account, a, chosen, "password", "Change the password of an account",
                        [&a] { return account_password(a.common, a.address, a.password_file); }));
  auto* quota = command(*account, a, chosen, "quota", "Change the quota of an account",
                        [&a] { return account_quota(a.common, a.address, a.quota, a.limits); });
  quota->add_option("address", a.address)->required();
  quota->add_option("quota", a.quota, "As \"1 GiB\", or none")->required();
  quota->add_option("--messages", a.limits.messages, "So many messages, or none; not given: as it was");
  quota->add_option("--mailboxes", a.limits.mailboxes, "So many mailboxes, likewise");
  command(*account, a, chosen, "show", "What is known of an account, and its own settings", [&a] { return account_show(a.common, a.address); })
      ->add_option("address", a.address)->required();
  auto* set = command(*account, a, chosen, "set", "Give an account settings of its own, instead of the server's",
                      [&a] { return account_set(a.common, a.address, a.targets); });
  set->add_option("address", a.address)->required();
  set->add_option("setting", a.targets, "NAME=VALUE, as pop3.mailbox=Work; NAME= takes the server's again")->required()->expected(1, 64);
  password_file(command(*account, a, chosen, "apop", "Set the secret for POP3's APOP, which is kept in clear: not the password",
                        [&a] { return account_apop(a.common, a.address, a.password_file, a.off); }))
      ->add_flag("--off", a.off, "Forget the secret instead");
  command(*account, a, chosen, "import", "Add the accounts of a CSV file with lines address,password (exit code 1: some failed)",
          [&a] { return account_import(a.common, a.file); })
      ->add_option("file", a.file, "- is standard input")->required();
}

void add_alias_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* alias = top.add_subcommand("alias", "Addresses that stand for others; @domain stands for all that do not exist");
  auto* add = command(*alias, a, chosen, "add", "Add an alias", [&a] { return alias_add(a.common, a.address, a.targets); });
  add->add_option("address", a.address)->required();
  add->add_option("target", a.targets)->required()->expected(1, 1000);
  command(*alias, a, chosen, "list", "List the aliases", [&a] { return alias_list(a.common, a.domain); })
      ->add_option("domain", a.domain, "Of this domain only");
  command(*alias, a, chosen, "remove", "Remove an alias", [&a] { return alias_remove(a.common, a.address); })
      ->add_option("address", a.address)->required();
}

void add_selection(CLI::App& sub, QueueSelection& s) {
  sub.add_option("id", s.ids, "Ids of messages, as they are in the log")->expected(0, 10'000);
  sub.add_option("--sender", s.sender, "Of this sender; <> is the null sender, @example.org a whole domain");
  sub.add_option("--to", s.recipient, "For this recipient; @example.org is a whole domain");
  sub.add_option("--domain", s.domain, "For recipients of this domain");
  sub.add_option("--older-than", s.older_than, "That came before this time, as \"2 h\"");
  sub.add_option("--younger-than", s.younger_than, "That came since this time");
  sub.add_flag("--held", s.held, "That are held");
  sub.add_flag("--not-held", s.not_held, "That are not");
}

void add_queue_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* queue = top.add_subcommand("queue", "Messages that wait to be sent");
  auto* list = command(*queue, a, chosen, "list", "List them", [&a] { return queue_list(a.common, a.selection, a.recipients); });
  add_selection(*list, a.selection);
  list->add_flag("--recipients", a.recipients, "With all their recipients");
  command(*queue, a, chosen, "show", "One of them with all its recipients", [&a] { return queue_show(a.common, a.id); })
      ->add_option("id", a.id, "As it is in the log")->required();
  for (const auto& [verb, help] : {std::pair("retry", "Try them now"), std::pair("hold", "Make no attempts until they are released"),
                                   std::pair("release", "Try those that are held again"),
                                   std::pair("delete", "Delete them; nobody is told"),
                                   std::pair("bounce", "Give them up; their senders are told")}) {
    auto* sub = command(*queue, a, chosen, verb, help, [&a, verb] { return queue_act(a.common, verb, a.selection); });
    add_selection(*sub, a.selection);
    sub->add_flag("--all", a.selection.all, "All messages");
  }
}

void add_dns_commands(CLI::App& top, Arguments& a, Run& chosen) {
  auto* dns = top.add_subcommand("dns", "What is published about a domain");
  command(*dns, a, chosen, "check", "Compare the DNS with what belongs there (exit code 4: problems)", [&a] { return dns_check(a.common, a.domain); })
      ->add_option("domain", a.domain)->required();
}

void add_setup_command(CLI::App& top, Arguments& a, Run& chosen) {
  auto& s = a.setup;
  auto* sub = command(top, a, chosen, "setup", "Set up this machine: configuration, domain, account, keys, service; and say what to publish",
                      [&a] { return setup(a.common, a.setup); });
  sub->add_option("address", s.address, "Your address, as you@example.org")->required();
  sub->add_option("--hostname", s.hostname, "The full name of this machine; without it the system's, or mail.DOMAIN");
  sub->add_option("--password-file", s.password_file, "The password is the first line of this file; without it one is made and shown");
  sub->add_option("--set", s.settings, "A line for a new configuration, as 'dns.servers = \"192.0.2.53\"'")->expected(1)->take_all()->allow_extra_args(false);
  sub->add_option("--root", s.root, "Make everything below this directory: for tests, and without being root");
  sub->add_flag("--dry-run", s.dry_run, "Show what would be made");
  sub->add_flag("--no-systemd", s.no_systemd, "Install and start no service");
  sub->add_flag("--no-network", s.no_network, "Do not look at DNS and other hosts");
  sub->add_option("--probe", s.probes, "ADDRESS:PORT of a mail server to reach, instead of well-known ones")->expected(1)->take_all()->allow_extra_args(false);
}

// Its options are sendmail's own: it never comes this far.
void name_sendmail(CLI::App& top) {
  top.add_subcommand("sendmail", "Send the message on standard input, as /usr/sbin/sendmail does (-t -i -f ADDRESS ...)")
      ->footer("Options are those of sendmail, not the ones above:\n"
               "  -t            recipients are those of To, Cc and Bcc\n"
               "  -i, -oi       a line with only a dot does not end the message\n"
               "  -f, -r ADDR   the sender of the envelope\n"
               "  -F NAME       the full name of the sender\n"
               "  -N, -R, -V    notices: never or success,failure,delay; full or hdrs; a name\n"
               "  -bp, mailq    list the queue\n"
               "  -q            try the queue now\n"
               "  -bs           SMTP on standard input and output\n"
               "  -C FILE       the configuration file");
}

void add_trace_command(CLI::App& top, Arguments& a, Run& chosen) {
  auto* trace_command = command(top, a, chosen, "trace", "What happened to a message, or to those of an address",
                                [&a] { return trace(a.common, a.id, a.limit); });
  trace_command->add_option("what", a.id, "The id of a message, as it is in the log, or an address")->required();
  trace_command->add_option("--limit", a.limit, "Of an address, so many messages at most, the newest first")
      ->capture_default_str()
      ->check(CLI::Range(1, 200));
}

// The commands that act as clients end with the codes of sysexits.h (cli.h), also when they were not understood.
int usage_code(const CLI::App& top) {
  constexpr std::string_view kClients[] = {"send", "fetch", "sync", "check", "copy", "export", "import"};
  const auto given = top.get_subcommands();
  return !given.empty() && std::ranges::find(kClients, given.front()->get_name()) != std::end(kClients) ? EX_USAGE : int{kUsage};
}

int run(int argc, char** argv) {
  CLI::App top("Posthorn, a mail server", "posthorn");
  Arguments arguments;
  top.add_option("-c,--config", arguments.common.config, "The configuration file")->capture_default_str();
  top.require_subcommand(0, 1);  // what follows one may be called like another: "posthorn manual copy"
  Run chosen;
  add_server_commands(top, arguments, chosen);
  add_domain_commands(top, arguments, chosen);
  add_dkim_commands(top, arguments, chosen);
  add_account_commands(top, arguments, chosen);
  add_alias_commands(top, arguments, chosen);
  add_queue_commands(top, arguments, chosen);
  add_trace_command(top, arguments, chosen);
  add_setup_command(top, arguments, chosen);
  add_dns_commands(top, arguments, chosen);
  add_fetch_command(top, chosen);
  add_sync_command(top, chosen);
  add_check_command(top, chosen);
  add_send_command(top, chosen);
  add_copy_commands(top, chosen);
  add_manual_command(top, chosen);
  name_sendmail(top);
  try {
    top.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return top.exit(e) == 0 ? int{kDone} : usage_code(top);
  }
  if (chosen) return chosen();
  // "posthorn", or "posthorn account": what could follow.
  const auto given = top.get_subcommands();
  std::fputs((given.empty() ? top.help() : given.front()->help()).c_str(), stderr);
  return kUsage;
}

}  // namespace
}  // namespace posthorn

int main(int argc, char** argv) {
  try {
    if (posthorn::is_sendmail_name(argv[0])) return posthorn::sendmail_main(argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "sendmail") return posthorn::sendmail_main(argc - 1, argv + 1);
    return posthorn::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "posthorn: %s\n", e.what());
    return posthorn::kFailed;
  }
}
