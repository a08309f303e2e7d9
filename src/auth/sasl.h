// SASL mechanisms without I/O; one module for SMTP, IMAP and POP3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::auth {

// What a client proved to know, to be judged by Authenticator.
struct Credentials {
  std::string authorize_as, user, password;
};

// PLAIN [RFC4616] and LOGIN (draft-murchison-sasl-login).  The server side of one exchange.
class SaslExchange {
 public:
  struct Step {
    enum class Kind { challenge, done, failed } kind;
    std::string challenge;    // raw bytes; the protocol encodes them as base64
    Credentials credentials;  // when done
  };
  static bool is_supported(std::string_view mechanism);   // any case
  static std::vector<std::string> mechanisms();           // "PLAIN", "LOGIN"
  explicit SaslExchange(std::string_view mechanism);

  // Begins; `initial` is the decoded initial response, null when the client sent none ("=" is an empty one).
  Step start(const std::string* initial);
  // One decoded client response.
  Step next(std::string_view response);

 private:
  enum class State { begin, login_user, login_password, plain, ended };
  Step take_plain(std::string_view);
  bool login_;
  State state_ = State::begin;
  std::string user_;
};

}  // namespace posthorn::auth
