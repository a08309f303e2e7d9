// What all commands have that act as clients: whom to trust, where passwords come from, what is shown, how they end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/dial.h"
#include "client/sasl_client.h"
#include "client/url.h"

namespace CLI {
class App;
}

namespace posthorn {

// Where a password comes from; never from the command line, which others can see.  The first that is set counts; none: the terminal is
// asked, and without one that is an error.
struct SecretSource {
  std::string file;         // its first line; "-": standard input's
  std::string environment;  // the name of a variable
  std::string command;      // its first line of output, by sh -c; "pass show mail"
};
// `whose`: for the prompt, "joe@mail.example.org".  Blocking.
Result<std::string> obtain_secret(const SecretSource&, const std::string& whose);

// A place that was named: a URL, or the name of an account in the accounts file (`~/.config/posthorn/accounts.toml`, or --accounts), as
// [work] url = "imaps://joe@mail.example.org"  password_command = "pass show work"  ca = "..."  pin = "..."  allow_plaintext = true
// For sending an account may have `send_url` beside it.
struct Place {
  std::string name;  // as it was given
  client::MailUrl url;
  std::optional<client::MailUrl> send_url;
  SecretSource secret;
  std::string token_command;  // OAuth 2; empty: a password is used
  client::ServerTrust trust;
  bool allow_plaintext = false;
};

// One for each place of a command ("source" and "target" have their own password options); `prefix` is put before the names of options:
// "" makes --password-file, "source-" --source-password-file.
struct PlaceOptions {
  std::string name;
  SecretSource secret;
  std::string token_command;
  std::string ca;
  std::vector<std::string> pins;
  bool insecure = false, allow_plaintext = false;
};
void add_place_options(CLI::App&, PlaceOptions&, const std::string& prefix = {});

struct ClientOptions {
  std::string accounts;  // the file; empty: the usual one, which need not exist
  bool json = false, quiet = false, verbose = false;
};
void add_client_options(CLI::App&, ClientOptions&);

// The options win over what the accounts file says.  Warns on standard error when nothing is verified.
Result<Place> find_place(const ClientOptions&, const PlaceOptions&);

// Reads or asks for the password; nullopt: the URL names no user, or needs none.  Blocking.
Result<std::optional<client::Credentials>> obtain_credentials(const Place&);

// The code of sysexits.h for an error; EX_OK, EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_NOUSER, EX_NOHOST, EX_UNAVAILABLE, EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL, EX_PROTOCOL, EX_NOPERM, EX_CONFIG.
int sysexit_of(Errc);
// Says "posthorn COMMAND: TEXT" on standard error (as JSON on standard output with --json), without control characters.
int say_client_error(const ClientOptions&, std::string_view command, const Error&);

// What came from elsewhere, for a terminal: control characters (C0, DEL, C1, and those that turn the direction of text) are shown as "?".
std::string printable(std::string_view);

}  // namespace posthorn
