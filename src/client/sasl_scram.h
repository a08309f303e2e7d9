// SCRAM as client. [RFC5802] [RFC7677]
#pragma once

#include <string>

#include "client/sasl_client.h"
#include "crypto/scram.h"

namespace posthorn::client {

class ScramClient final : public SaslClient {
 public:
  // [RFC5802 5.1] Fewer make the password cheap to guess for who poses as the server; more keep us busy: some 100 ms at most.
  static constexpr std::uint32_t kMinIterations = 4096, kMaxIterations = 300'000;

  struct Options {
    crypto::ScramHash hash = crypto::ScramHash::sha256;
    std::string user, password, authorize_as;
    std::string binding_flag = "n";  // gs2-cbind-flag: "n", "y" or "p=" and the type
    std::string binding_data;        // with "p="
    std::string nonce;               // printable, no comma
  };
  explicit ScramClient(Options);

  std::optional<std::string> initial_response() override;
  Result<std::string> respond(std::string_view challenge) override;
  Result<void> succeeded() override;

 private:
  // first -server-first-> final -server-final-> proven
  enum class State { first, final, proven };
  Result<std::string> answer_first(std::string_view server_first);
  Result<std::string> check_final(std::string_view server_final);

  Options options_;
  State state_ = State::first;
  std::string gs2_header_, bare_, expected_final_;
};

std::string make_nonce();

}  // namespace posthorn::client
