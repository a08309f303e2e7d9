#include "client_options.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>

#include "client_accounts.h"
#include "text/utf8.h"

namespace posthorn {
namespace {

// Invisible, but not without effect.
bool is_dangerous(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return true;
  if (c == 0x2028 || c == 0x2029) return true;  // separators of lines and paragraphs
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);  // directions
}

Result<Place> look_up(const ClientOptions& options, const std::string& name) {
  if (name.contains(':')) {
    auto url = client::parse_mail_url(name);
    if (!url) return fail(Errc::invalid, url.error().text);
    Place place;
    place.url = *std::move(url);
    return place;
  }
  TRY(auto accounts, read_accounts(options.accounts));
  const auto found = accounts.find(name);
  if (found == accounts.end()) {
    const auto file = options.accounts.empty() ? usual_accounts_file() : options.accounts;
    return fail(Errc::invalid, "'" + name + "' is no URL, and no account of " + (file.empty() ? "an accounts file" : file));
  }
  return std::move(found->second);
}

// Who says something about trust on the command line says all of it, and likewise of the password.
Result<void> override_by(Place& place, const PlaceOptions& options) {
  if (options.insecure + !options.ca.empty() + !options.pins.empty() > 1)
    return fail(Errc::invalid, "of --ca, --pin and --insecure only one can be meant");
  if (options.insecure || !options.ca.empty() || !options.pins.empty()) {
    place.trust = {.ca_file = options.ca, .pins = {}, .insecure = options.insecure};
    for (const auto& one : options.pins) {
      auto pin = client::parse_pin(one);
      if (!pin) return fail(Errc::invalid, pin.error().text);
      place.trust.pins.push_back(*std::move(pin));
    }
  }
  if (options.secret.is_set() && !options.token_command.empty()) return fail(Errc::invalid, "a password and a token exclude each other");
  if (options.secret.is_set() || !options.token_command.empty()) {
    place.secret = options.secret;
    place.token_command = options.token_command;
  }
  place.allow_plaintext = place.allow_plaintext || options.allow_plaintext;
  return {};
}

}  // namespace

void add_place_options(CLI::App& app, PlaceOptions& o, const std::string& prefix) {
  const auto name = [&](const char* rest) { return "--" + prefix + rest; };
  auto* const file = app.add_option(name("password-file"), o.secret.file, "The password is the first line of this file; - is standard input");
  auto* const variable = app.add_option(name("password-env"), o.secret.environment, "The password is in this environment variable");
  auto* const command = app.add_option(name("password-command"), o.secret.command,
                                       "The password is the first line that this command prints, as \"pass show mail\"");
  auto* const token = app.add_option(name("token-command"), o.token_command, "Sign in by OAuth 2, with the token that this command prints");
  for (auto* one : {file, variable, command, token})
    for (auto* other : {file, variable, command, token})
      if (one != other) one->excludes(other);
  app.add_option(name("ca"), o.ca, "Trust the authorities of this PEM file, instead of the system's");
  app.add_option(name("pin"), o.pins,
                 "Trust the certificate or public key with this SHA-256 only, as sha256:HEX or sha256//BASE64; more than one may be given")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag(name("insecure"), o.insecure, "Trust any certificate: anybody may be at the other end");
  app.add_flag(name("allow-plaintext"), o.allow_plaintext, "Go on, and show the password, where nothing is encrypted");
}

void add_client_options(CLI::App& app, ClientOptions& o) {
  app.add_option("--accounts", o.accounts, "The file that gives accounts names, instead of ~/.config/posthorn/accounts.toml");
  app.add_option("--password-timeout", o.password_timeout, "How many seconds the command for a password may take, or you with typing it")
      ->capture_default_str()
      ->check(CLI::Range(1U, 86400U));
  app.add_flag("--json", o.json, "Print the result as JSON");
  app.add_flag("-q,--quiet", o.quiet, "Print nothing but errors");
  app.add_flag("-v,--verbose", o.verbose, "Show on standard error what is said to the server and what it answers");
}

Result<Place> find_place(const ClientOptions& options, const PlaceOptions& named) {
  TRY(auto place, look_up(options, named.name));
  place.name = named.name;
  place.patience = std::chrono::seconds(options.password_timeout);
  TRY_OK(override_by(place, named));
  if (place.trust.insecure && client::is_server(place.url.scheme))
    std::fprintf(stderr, "posthorn: certificates are not verified: anybody may be at the other end of %s\n", printable(named.name).c_str());
  return place;
}

Result<bool> has_account(const ClientOptions& options, const std::string& name) {
  TRY(const auto accounts, read_accounts(options.accounts));
  return accounts.contains(name);
}

Result<std::optional<client::Credentials>> obtain_credentials(const Place& place) {
  if (place.url.user.empty()) return std::nullopt;
  client::Credentials out;
  out.user = place.url.user;
  out.allow_plaintext = place.allow_plaintext;
  if (!place.token_command.empty()) {
    TRY(out.token, first_line_of_command(place.token_command, place.patience));
  } else {
    const auto whose = place.url.host.empty() ? place.url.user : place.url.user + " at " + place.url.host;
    TRY(out.password, obtain_secret(place.secret, whose, place.patience));
  }
  return out;
}

int sysexit_of(Errc code) {
  switch (code) {
    case Errc::invalid: return EX_USAGE;
    case Errc::corrupt: return EX_CONFIG;
    case Errc::syntax:
    case Errc::limit: return EX_PROTOCOL;
    case Errc::not_found: return EX_NOHOST;
    case Errc::denied: return EX_NOPERM;
    case Errc::too_large: return EX_DATAERR;
    case Errc::exists:
    case Errc::no_space:
    case Errc::over_quota: return EX_CANTCREAT;
    case Errc::io: return EX_IOERR;
    case Errc::unsupported: return EX_UNAVAILABLE;
    case Errc::busy:
    case Errc::throttled:
    case Errc::closed:
    case Errc::timed_out:
    case Errc::cancelled: return EX_TEMPFAIL;
  }
  return EX_SOFTWARE;
}

int say_client_error(const ClientOptions& options, std::string_view command, const Error& error, std::optional<int> exit_code) {
  const int code = exit_code.value_or(sysexit_of(error.code));
  const auto text = printable(error.text);
  if (options.json) {
    const boost::json::object answer{{"ok", false}, {"error", text}, {"code", to_string(error.code)}, {"exit_code", code}};
    std::puts(boost::json::serialize(answer).c_str());
  } else {
    std::fprintf(stderr, "posthorn %.*s: %s\n", static_cast<int>(command.size()), command.data(), text.c_str());
  }
  return code;
}

std::string printable(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const auto step = text::next_utf8(s);
    if (step.valid && !is_dangerous(step.character)) out += s.substr(0, step.length);
    else out += '?';
    s.remove_prefix(step.length);
  }
  return out;
}

}  // namespace posthorn
