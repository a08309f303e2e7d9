// The configuration file: reading it, and saying everything that is wrong with it at once.
//
// A file gives hostname, data_dir, [tls], [[listen]] and, under their dotted names, any setting
// (base/settings.h) of the modules linked into the program.  docs/configuration.md is the manual,
// packaging/posthorn.toml the sample. Loading changes nothing; apply() puts the settings into effect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_network.h"
#include "base/settings.h"
#include "config/relay.h"

namespace posthorn::config {

enum class Protocol { smtp, submission, lmtp, imap, pop3, metrics, https };
enum class TlsMode { none, starttls, implicit };
std::string_view to_string(Protocol);  // as in the file
std::string_view to_string(TlsMode);

// Where to listen: an IP address and port, or the path of a Unix socket.
struct Endpoint {
  std::string host;        // a literal IPv4 or IPv6 address, without brackets; empty for a Unix socket
  std::uint16_t port = 0;  // 0: the system chooses a free one (for tests)
  std::string unix_path;   // absolute; empty for TCP
  bool is_unix() const { return !unix_path.empty(); }
  bool is_loopback() const;  // 127.0.0.0/8, ::1, or a Unix socket
  bool is_v6() const { return host.find(':') != std::string::npos; }
  std::string text() const;  // "0.0.0.0:25", "[::]:25", "/run/posthorn/lmtp"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// An IPv6 listener takes IPv6 only (IPV6_V6ONLY): "0.0.0.0" and "[::]" side by side do not collide.
struct Listener {
  Protocol protocol = Protocol::smtp;
  Endpoint address;
  TlsMode tls = TlsMode::none;
  bool allow_plaintext_auth = false;  // passwords are taken without TLS here
  bool optional = false;              // a default on [::]: do not fail where the host has no IPv6
  // Connections come from a proxy and begin with a PROXY header.  Those from elsewhere than `proxies` are closed; on a Unix socket and
  // without `proxies` (which only a loopback address may leave out) those of this machine are taken.
  bool proxy_protocol = false;
  IpNetworks proxies;
};

// Both empty: the server makes a self-signed certificate in data_dir.
struct TlsFiles {
  std::string certificate, key;
  bool self_signed() const { return certificate.empty(); }
};

struct Config {
  std::string hostname;  // a fully qualified name, lower case
  std::string data_dir;  // absolute
  TlsFiles tls;  // for whoever asks for no name, or one that no certificate has
  std::vector<TlsFiles> more_tls;  // chosen by the names in them; the first that fits, `tls` before all
  std::vector<Listener> listeners;  // never empty
  std::vector<Relay> relays;
  // Settings that the file changes, checked, by name.
  std::vector<std::pair<std::string, SettingValue>> settings;
};

enum class Severity { warning, error };

struct Problem {
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;  // from 1
  Severity severity = Severity::error;
  std::string text;
};

struct Loaded {
  std::optional<Config> config;   // present when there is no error (warnings are allowed)
  std::vector<Problem> problems;  // in the order of the file
  std::string name;               // of the file, for the messages
};

// Never throws; blocking (reads the file, looks at the certificate files).
Loaded load_file(const std::string& path);
// The same for text; `name` is used in messages, and relative paths are refused either way.
Loaded load_text(std::string_view text, std::string name);

// "posthorn.toml:12:3: error: ..." lines, one per problem, each with a newline.
std::string to_text(const Loaded&);

// Puts the settings of `config` into effect, and every other setting back to its default.  Any thread, any
// time.
void apply(const Config& config);

// Every setting of this program, with its sentence, default and range, as commented TOML: for
// `posthorn check-config --settings`.
std::string settings_text();

// The same as rows of the manual's table (docs/configuration.md, between the two marks).
std::string settings_markdown();

// The standard ports on all addresses: 25, 2525, 587, 465, 143, 993, 110, 995.
std::vector<Listener> default_listeners();

}  // namespace posthorn::config
