// What all commands have that act as clients: whom to trust, where passwords come from, what is shown, how they end.
#pragma once

#include <chrono>
#include <cstdint>
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

// How long the command for a password may take, or somebody who types it.
inline constexpr std::chrono::seconds kPasswordPatience{300};

// Where a password comes from; never from the command line, which others can see.  The first that is set counts; none: the terminal is
// asked, and without one that is an error.
struct SecretSource {
  std::string file;         // its first line; "-": standard input's
  std::string environment;  // the name of a variable
  std::string command;      // its first line of output, by sh -c; "pass show mail"
  std::string text;         // itself: from an accounts file that nobody else can read
  bool is_set() const { return !(file.empty() && environment.empty() && command.empty() && text.empty()); }
};
// `whose`: for the prompt, "joe@mail.example.org".  `patience`: with the command, or with who types.  Blocking.  Errors do not contain it:
// not_found, invalid (it is empty, no terminal), io (the command failed), timed_out.
Result<std::string> obtain_secret(const SecretSource&, const std::string& whose, std::chrono::seconds patience);
// The first line that `sh -c` prints for it; what it says on standard error is passed on, and its exit code must be 0.  It reads the
// terminal if standard input is one, else nothing: that may be a message.  When the time is up it is ended: timed_out.
Result<std::string> first_line_of_command(const std::string& command, std::chrono::seconds patience);

// A place that was named: a URL, or the name of an account in the accounts file (`~/.config/posthorn/accounts.toml`, or --accounts), as
// [work] url = "imaps://joe@mail.example.org"  password_command = "pass show work"  ca = "..."  pin = "..."  allow_plaintext = true
// For sending an account may have `send_url` beside it.  docs/client/accounts.md has all keys.
struct Place {
  std::string name;  // as it was given
  client::MailUrl url;
  std::optional<client::MailUrl> send_url;
  SecretSource secret;
  std::string token_command;  // OAuth 2; empty: a password is used
  client::ServerTrust trust;
  bool allow_plaintext = false;
  std::chrono::seconds patience = kPasswordPatience;
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
  std::uint32_t password_timeout = kPasswordPatience.count();  // seconds
};
void add_client_options(CLI::App&, ClientOptions&);

// The options win over what the accounts file says.  Warns on standard error when nothing is verified.  Errors: invalid: no such URL,
// account or pin; corrupt: the accounts file, with line and key; denied: it has a password and others can read it; io.
Result<Place> find_place(const ClientOptions&, const PlaceOptions&);
// For a command that takes names of hosts beside those of accounts.  The errors of the accounts file.
Result<bool> has_account(const ClientOptions&, const std::string& name);

// Reads or asks for the password, or the token; nullopt: the URL names no user.  Blocking.
Result<std::optional<client::Credentials>> obtain_credentials(const Place&);

// The code of sysexits.h for an error.  invalid: EX_USAGE; corrupt: EX_CONFIG (the accounts file, or what a command keeps for itself);
// syntax and limit: EX_PROTOCOL (the server said it); not_found: EX_NOHOST; denied: EX_NOPERM; too_large: EX_DATAERR; exists, no_space and
// over_quota: EX_CANTCREAT; io: EX_IOERR; unsupported: EX_UNAVAILABLE; busy, throttled, closed, timed_out and cancelled: EX_TEMPFAIL.
// Where an error means something else to a command, it gives its own code below.
int sysexit_of(Errc);
// Says "posthorn COMMAND: TEXT" on standard error, without control characters; with --json {"ok":false,...} on standard output instead.
// Answers with the exit code.
int say_client_error(const ClientOptions&, std::string_view command, const Error&, std::optional<int> exit_code = {});

// What came from elsewhere, for a terminal: control characters (C0, DEL, C1, separators of lines, and those that turn the direction of
// text) and what is no UTF-8 are shown as "?".
std::string printable(std::string_view);

}  // namespace posthorn
