// The messages of SCRAM [RFC5802 7]: parsing what the client says, writing what the server says.  Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/scram.h"

namespace posthorn::auth::scram {

inline constexpr std::size_t kMaxMessage = 4096;

// [RFC5802 7] client-first-message
struct ClientFirst {
  char binding = 'n';        // gs2-cbind-flag: n the client has none, y it believes that we have none, p it uses binding_type
  std::string binding_type;  // cb-name
  std::string authorize_as;  // authzid, may be empty
  std::string user;
  std::string nonce;
  std::string gs2_header;    // as it came
  std::string bare;          // client-first-message-bare, as it came
};
// Errc::syntax: so is a mandatory extension, which we have none of.
Result<ClientFirst> parse_client_first(std::string_view message);

// [RFC5802 7] client-final-message
struct ClientFinal {
  std::string binding;        // cbind-input: the GS2 header and what the channel is bound by
  std::string nonce;
  std::string proof;
  std::string without_proof;  // client-final-message-without-proof, as it came
};
Result<ClientFinal> parse_client_final(std::string_view message);  // Errc::syntax

// `nonce` is the client's with ours behind it.
std::string server_first(std::string_view nonce, const crypto::ScramKeys&);
std::string server_final(std::string_view signature);
std::string server_error(std::string_view error_value);

}  // namespace posthorn::auth::scram
