// The client's side of SASL. [RFC4422]
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::client {

// Who signs in and by what.  Exactly one of password, token and external is used.
struct Credentials {
  std::string user;
  std::string authorize_as;           // authzid; empty: the same as who signs in
  std::optional<std::string> password;
  std::optional<std::string> token;   // OAuth 2 bearer token [RFC7628]
  bool external = false;              // by the certificate we showed [RFC4422 A]
  // A password or token may be sent where nobody encrypts it.
  bool allow_plaintext = false;
};

// What the channel can be bound by; empty: it cannot. [RFC5929] [RFC9266]
struct ChannelBindings {
  std::string tls_exporter, tls_server_end_point;
};

struct ChannelState {
  bool encrypted = false;
  ChannelBindings bindings;
  std::string host;         // for OAUTHBEARER [RFC7628 3.1]
  std::uint16_t port = 0;
};

// One exchange.  Bytes in and out are not base64.
class SaslClient {
 public:
  virtual ~SaslClient() = default;
  virtual std::string_view mechanism() const = 0;
  // nullopt: the server speaks first.
  virtual std::optional<std::string> initial_response() = 0;
  // Errc::syntax: the server does not follow the mechanism; denied: it could not prove that it knows the password, or sent an error.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
  // The server says that we are in.  denied: it should have proved first who it is (SCRAM). [RFC5802 5]
  virtual Result<void> succeeded() = 0;
  // The password or token itself goes over the wire.
  virtual bool shows_secret() const = 0;
};

// The mechanisms that fit, best first: for a password SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS (each with a binding that the channel has),
// SCRAM-SHA-256, SCRAM-SHA-1, and where it may be shown (TLS, or allow_plaintext) PLAIN, LOGIN; CRAM-MD5 comes before those without TLS
// only.  For a token OAUTHBEARER, XOAUTH2.  Empty: none fits.
std::vector<std::string> fitting_mechanisms(const Credentials&, std::span<const std::string> offered, const ChannelState&);
// Why it is empty, in words.
std::string why_none_fits(const Credentials&, std::span<const std::string> offered, const ChannelState&);

// REQUIRES: `mechanism` is one of fitting_mechanisms().  `offered` tells SCRAM whether to say that the server has no binding.
std::unique_ptr<SaslClient> make_sasl_client(std::string_view mechanism, const Credentials&, std::span<const std::string> offered,
                                             const ChannelState&);

}  // namespace posthorn::client
