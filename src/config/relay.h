// A [[relay]] table: a smart host, or what is asked of the TLS of some destinations, or how long it is tried.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::config {

// As in the file: "none", "opportunistic", "require", "implicit".
enum class RelayTls { none, opportunistic, require, implicit };
enum class RelayProtocol { smtp, lmtp };
std::string_view to_string(RelayTls);
std::string_view to_string(RelayProtocol);

// Mail that fits one of `domains` and one of `senders` goes by it; the first table that fits is taken.
struct Relay {
  std::vector<std::string> domains;  // of recipients, lower case: "example.org", ".example.org": those below, "*": all; empty: all
  std::vector<std::string> senders;  // "ann@example.org", "@example.org", lower case, "<>": the null reverse-path; empty: all
  std::string host;                  // a name or a numeric address; empty (with no unix_path): the hosts of the domain itself
  std::string unix_path;             // of an LMTP server
  std::uint16_t port = 0;
  RelayProtocol protocol = RelayProtocol::smtp;
  RelayTls tls = RelayTls::opportunistic;
  bool verify = false;               // the certificate must be that of the host, by an authority
  std::string username, password_file;
  bool allow_plaintext_auth = false;  // the password may be sent in clear text
  std::string source_address;
  bool says_tls = true;  // else `tls` and `verify` are as if there were no such table
  // Where given, in place of queue.retry_first and its likes.
  std::optional<std::chrono::milliseconds> retry_first, retry_max, lifetime, delay_warning;

  bool has_host() const { return !host.empty() || !unix_path.empty(); }
  // "mail.example.net:587", "/run/lmtp"; REQUIRES: has_host().
  std::string text() const;
};

// The first line of the file; blocking.  Errc::io, invalid.
Result<std::string> read_password(const std::string& path);

}  // namespace posthorn::config
