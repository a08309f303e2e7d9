// AUTHENTICATE and AUTH: one exchange, whatever the protocol.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/sasl.h"
#include "base/settings.h"
#include "server/common/session_context.h"

namespace posthorn::server {

inline const Setting<bool> kSmtpChannelBinding{
    "smtp.channel_binding", false,
    "Offer the -PLUS forms of SCRAM in SMTP too. As they are built by Debian, mutt and neomutt choose them there, cannot use them and do not "
    "try another one."};

// The mechanisms that may be used now, the best first; none before TLS, unless the listener allows it.
std::vector<std::string_view> offered_mechanisms(const SessionContext&);
// Null: there is no such mechanism, or it may not be used now.
const auth::Mechanism* find_offered_mechanism(const SessionContext&, std::string_view name);

struct SaslOutcome {
  enum class Kind {
    signed_in,
    refused,    // why: an error of Authenticator::verify
    malformed,  // the client's response is no base64, or not what the mechanism asks for
    too_long,
    given_up,   // by the client: "*"
    lost,       // why: the connection
  } kind;
  auth::Identity identity = {};  // signed_in
  Error why = {};
  std::string user = {};         // as claimed, for the log; may be empty
};

// Sends a challenge (base64) and reads the line the client answers.  too_large: it was too long; every other error is the
// connection's.
using AskClient = std::function<Task<Result<std::string>>(std::string challenge)>;

// `initial_response` is still base64.  REQUIRES: the mechanism is offered; nobody is signed in.
Task<SaslOutcome> run_sasl(SessionContext&, const auth::Mechanism&, std::optional<std::string> initial_response, AskClient);

}  // namespace posthorn::server
