// The client's side of SASL. [RFC4422]
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::client {

// Who signs in, and by what: exactly one of password, token and external.
struct Credentials {
  std::string user;
  std::string authorize_as;             // authzid; empty: the same as who signs in
  std::optional<std::string> password;
  std::optional<std::string> token;     // an OAuth 2 bearer token [RFC7628]
  bool external = false;                // by the certificate that we showed [RFC4422 A]
  // A password or token may be sent where nothing encrypts it.
  bool allow_plaintext = false;
};

struct ChannelState {
  bool encrypted = false;
  // What the channel can be bound by [RFC5929] [RFC9266]; empty: nothing.
  std::string binding_type, binding_data;
  std::string host;                     // of the server, for OAUTHBEARER [RFC7628 3.1]; may be empty
  std::uint16_t port = 0;
};

// One exchange.  Bytes in and out are not base64.
class SaslClient {
 public:
  virtual ~SaslClient() = default;
  // nullopt: the server speaks first.
  virtual std::optional<std::string> initial_response() = 0;
  // The answer to a challenge.  syntax: the server does not follow the mechanism; denied: it could not prove that it knows the password,
  // or said an error; limit: it asks for too much work.
  virtual Result<std::string> respond(std::string_view challenge) = 0;
  // The server says that we are in.  denied: it should have proved first that it knows the password. [RFC5802 5]
  virtual Result<void> succeeded() { return {}; }
};

// The mechanisms that fit, best first.  For a password: SCRAM bound to the channel, SCRAM-SHA-256, SCRAM-SHA-1, and where the password may
// be shown (TLS, or allow_plaintext) PLAIN and LOGIN.  For a token, where it may be shown: OAUTHBEARER, XOAUTH2.  Empty: none fits;
// why_none_fits() says why.  CRAM-MD5 and what else is not named here is not built.
std::vector<std::string> fitting_mechanisms(const Credentials&, std::span<const std::string> offered, const ChannelState&);
std::string why_none_fits(const Credentials&, std::span<const std::string> offered, const ChannelState&);

// The password or token itself goes over the wire.
bool shows_secret(std::string_view mechanism);

// REQUIRES: `mechanism` is one of fitting_mechanisms() of the same arguments.
std::unique_ptr<SaslClient> make_sasl_client(std::string_view mechanism, const Credentials&, std::span<const std::string> offered,
                                             const ChannelState&);

}  // namespace posthorn::client
