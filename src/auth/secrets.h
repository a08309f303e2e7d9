// What is kept of a password: enough to check it, and for SCRAM to prove it, but not the password.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/scram.h"

namespace posthorn::auth {

struct Secrets {
  std::string password_hash;             // crypto/password.h; empty: keys only, from an import
  std::string scram_sha256, scram_sha1;  // crypto/scram.h, as text; empty: that mechanism does not let this account in
  const std::string& scram(crypto::ScramHash hash) const {
    return hash == crypto::ScramHash::sha1 ? scram_sha1 : scram_sha256;
  }
  friend bool operator==(const Secrets&, const Secrets&) = default;
};

// Pure; they take tens of milliseconds: on a worker.

// Of a new password: its hash, and the keys of the SCRAM mechanisms that are switched on (auth.mechanisms).
// invalid: it is empty, too long, no UTF-8, or has control characters; no_space.
Result<Secrets> make_secrets(std::string_view password);

struct Verdict {
  bool right = false;
  Secrets secrets;  // what is to be kept from now on: made anew where it was missing or out of date, if the password was right
};
// Errc::corrupt: what is kept cannot be read; no_space.
Result<Verdict> judge_password(const Secrets&, std::string_view password);
// Takes as long, and always says no.
void judge_unknown_user(std::string_view password);

}  // namespace posthorn::auth
