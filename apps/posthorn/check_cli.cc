// posthorn check: its options.
#include <CLI/CLI.hpp>
#include <memory>

#include "check_options.h"
#include "cli.h"

namespace posthorn {

void add_check_command(CLI::App& top, Run& chosen) {
  static CheckOptions o;
  auto* sub = top.add_subcommand(
      "check", "Examine the servers of a mail address, a domain or a host, and say what is wrong with them (exit code 69: something is)");
  sub->add_option("target", o.place.name,
                  "An address (joe@example.org), a domain (@example.org), one host (mail.example.org, 192.0.2.1), or the name of an "
                  "account of yours")
      ->required();
  sub->add_option("--only", o.only,
                  "Look at these services only: imap, pop3, smtp; of SMTP also mx (the port between servers) or submission alone")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  sub->add_flag("--login", o.login, "Sign in, send a message to oneself, see it arrive, and delete it");
  sub->add_option("--login-at", o.login_at, "Sign in at this host, though its name is not of the domain and only unsigned records name it")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  sub->add_option("--arrival", o.arrival, "How many seconds that message may take to arrive")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  sub->add_option("--user", o.user, "The name to sign in by, when it is not the address");
  sub->add_option("--selector", o.selectors, "A selector of DKIM to look at, besides the usual ones")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  sub->add_option("--relay", o.relay, "See whether its SMTP servers take mail of anybody for this address, which is of another domain; none is sent");
  sub->add_flag("--ispdb", o.ispdb, "Ask Mozilla's database of providers, too, which tells it the domain");
  sub->add_option("--timeout", o.timeout, "How many seconds one wait for a server may last")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0));
  sub->add_option(
      "--resolver", o.resolver,
      "Ask this name server, as 192.0.2.53 or 192.0.2.53:5353, instead of those of the system; \"root\" asks the servers of the world");
  sub->add_option("--trust-anchor", o.trust_anchor, "The keys that DNSSEC begins with, in a file, instead of the root's");
  sub->add_option("--map", o.maps, "Connect to another port than the one that is said, as 993=10993: for tests")->expected(1)->take_all()->allow_extra_args(false);
  add_place_options(*sub, o.place);
  add_client_options(*sub, o.client);
  sub->get_option("--verbose")->description("Show greetings and all capabilities, too");
  sub->callback([&chosen] { chosen = [] { return check_command(o); }; });
}

}  // namespace posthorn
