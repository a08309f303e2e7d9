// Signing in by SASL [RFC4422], the server's side: one module for SMTP, IMAP, POP3 and SMAP.  PLAIN [RFC4616], LOGIN
// (draft-murchison-sasl-login), SCRAM-SHA-1 and SCRAM-SHA-256 [RFC5802] [RFC7677], both also bound to the channel (-PLUS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "auth/authenticator.h"
#include "auth/mechanisms.h"
#include "auth/scram_message.h"
#include "base/result.h"

namespace posthorn::auth {

// Where the client is, and what its connection can be bound by: for the mechanisms that do; an empty one is none.
struct Channel {
  std::string peer_ip;
  CanBind can_bind = CanBind::no;    // so that the -PLUS forms have been offered
  std::string tls_exporter;          // [RFC9266 2]
  std::string tls_unique;            // [RFC5929 3]
  std::string tls_server_end_point;  // [RFC5929 4]
};

// One exchange.  It does no input or output: its protocol carries the challenges and responses, in base64, and the
// client's wish to give up.
//
//   begin            -next()-> the mechanism's first state, or what follows it when there is an initial response
//   plain            -next()-> ended
//   login_user       -next()-> login_password -next()-> ended
//   scram_first      -next()-> scram_final -next()-> scram_told (the server's signature or an error has been sent) -next()-> ended
// Every error leads to ended.
class SaslServer {
 public:
  struct Step {
    std::string challenge;             // to be sent, unless
    std::optional<Identity> identity;  // the client has signed in
  };
  // REQUIRES: the authenticator outlives it.
  SaslServer(Authenticator&, const Mechanism&, Channel);
  // The client's response; at the beginning its initial response, if it has sent one.
  // Errc::syntax: not what the mechanism asks for; the others are those of Authenticator::verify.
  Task<Result<Step>> next(std::optional<std::string> response);
  // Who the client says it is; empty until it has said so.
  const std::string& user() const { return user_; }

 private:
  enum class State : std::uint8_t { begin, plain, login_user, login_password, scram_first, scram_final, scram_told, ended };
  Step ask(State next, std::string challenge);
  Task<Result<Step>> verify(std::string password);
  Task<Result<Step>> take_plain(std::string message);
  Task<Result<Step>> take_login_user(std::string name);
  Task<Result<Step>> take_login_password(std::string password);
  // sasl_scram.cc
  Task<Result<Step>> take_scram_first(std::string message);
  Task<Result<Step>> take_scram_final(std::string message);
  Task<Result<Step>> take_scram_end(std::string nothing);
  std::string_view judge_binding() const;
  std::string binding_input() const;

  Authenticator& authenticator_;
  const Mechanism& mechanism_;
  const Channel channel_;
  State state_ = State::begin;
  std::string user_, authorize_as_;

  // SCRAM
  scram::ClientFirst first_;
  crypto::ScramKeys keys_;
  std::string nonce_, server_first_;
  std::string_view error_;            // what the client will be told; literals of [RFC5802 7]
  std::optional<Identity> identity_;  // proven; counts when the client has accepted our signature
};

}  // namespace posthorn::auth
