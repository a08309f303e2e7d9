// The client's side of SCRAM [RFC5802 3], for tests: unit tests and transcripts.
#pragma once

#include <string>
#include <string_view>

#include "crypto/scram.h"

namespace posthorn::auth {

class ScramClient {
 public:
  struct Options {
    crypto::ScramHash hash = crypto::ScramHash::sha256;
    std::string user, password, authorize_as = {};
    std::string binding_flag = "n";  // n, y or p=type
    std::string binding_data = {};
  };
  explicit ScramClient(Options);
  std::string first();
  // Empty: `server_first` is no answer to first().
  std::string final(std::string_view server_first);
  // The server has proven that it knows the keys.
  bool accepts(std::string_view server_final) const;

 private:
  Options options_;
  std::string header_, bare_, nonce_, auth_message_;
  crypto::ScramKeys keys_;
};

}  // namespace posthorn::auth
