// posthorn send: its options.
#include <CLI/CLI.hpp>

#include "cli.h"
#include "send_options.h"

namespace posthorn {
namespace {

void add_message(CLI::App& sub, SendOptions& o) {
  auto* const file = sub.add_option("file", o.file, "A whole message with its header; - or nothing is standard input");
  sub.add_option("--from", o.from, "The author, and the sender of the envelope; <> is no sender, for a whole message");
  sub.add_option("--to", o.to, "Recipients, as \"Ann <ann@example.org>, bob@example.org\"; may be given more than once")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  sub.add_option("--cc", o.cc, "Recipients of a copy")->expected(1)->take_all()->allow_extra_args(false);
  sub.add_option("--bcc", o.bcc, "Recipients of a copy whom the others do not see")->expected(1)->take_all()->allow_extra_args(false);
  auto* const read = sub.add_flag("-t,--read-recipients", o.read_recipients, "Send it to those whom its own To, Cc and Bcc name, too");
  auto* const as_is = sub.add_flag("--as-is", o.as_is, "Add neither Date nor Message-ID to a message that has none");
  auto* const body = sub.add_option("--body", o.body, "Write a message: its text");
  auto* const body_file = sub.add_option(
      "--body-file", o.body_file, "Write a message: its text is in this file; - is standard input, which is read without this option, too");
  body->excludes(body_file);
  for (auto* one : {sub.add_option("--subject", o.subject, "Write a message: its subject"), body, body_file,
                    sub.add_option("--html", o.html_file, "Write a message: its text once more as HTML, from this file"),
                    sub.add_option("--attach", o.attach, "Write a message: attach this file; may be given more than once")
                        ->expected(1)
                        ->take_all()
                        ->allow_extra_args(false),
                    sub.add_option("--header", o.headers, "Write a message: one more field of its header, as \"Name: value\"")
                        ->expected(1)
                        ->take_all()
                        ->allow_extra_args(false)})
    for (auto* other : {file, read, as_is}) one->excludes(other);
}

void add_delivery(CLI::App& sub, SendOptions& o) {
  sub.add_option("--notify", o.notify, "When to be told what became of it: never, or some of success,failure,delay");
  sub.add_option("--ret", o.ret, "What a notice of failure brings back of the message: full or hdrs")
      ->check(CLI::IsMember({"full", "hdrs"}));
  sub.add_option("--envid", o.envelope_id, "A name for the message, which notices repeat");
  sub.add_flag("--require-tls", o.require_tls, "It must not go over any connection without TLS, here and behind the server (REQUIRETLS)");
  auto* const hold = sub.add_option("--hold-for", o.hold_for, "The server keeps it so long, as \"2 h\", before it goes on (FUTURERELEASE)");
  sub.add_option("--hold-until", o.hold_until, "The server keeps it until then, as 2030-01-31T08:00:00+01:00")->excludes(hold);
}

}  // namespace

void add_send_command(CLI::App& top, Run& chosen) {
  static SendOptions o;
  auto* const sub = top.add_subcommand("send", "Send a message through a server (exit codes of sysexits.h)");
  add_message(*sub, o);
  sub->add_option(
      "-s,--server", o.place.name,
      "smtp://, submission://, submissions://, lmtp:// or smap:// with USER@HOST:PORT, lmtp:/PATH, the name of an account, or a host alone, whose "
      "ports 465, 587, 2525 and 25 are tried; without it the account named default");
  sub->add_flag("--no-fallback", o.no_fallback, "Try no other port when the one that was named cannot be reached");
  add_delivery(*sub, o);
  sub->add_option("--hello", o.hello, "The name of this machine that is said to the server");
  sub->add_option("--map", o.maps, "Connect to another port than the one that is said, as 465=10465: for tests")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  add_place_options(*sub, o.place);
  add_client_options(*sub, o.client);
  sub->callback([&chosen] { chosen = [] { return send_command(o); }; });
}

}  // namespace posthorn
