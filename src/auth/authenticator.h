// Is this the user it claims to be?  Passwords are checked on the worker pool, guesses are slowed.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/worker_pool.h"
#include "auth/directory.h"
#include "auth/secrets.h"
#include "base/result.h"
#include "base/settings.h"

namespace posthorn::auth {

inline const Setting<std::chrono::seconds> kSuccessCache{
    "auth.success_cache", std::chrono::minutes(5), std::chrono::seconds(0), std::chrono::hours(24),
    "A password that was right is not hashed again for this long; 0 hashes every time (docs/decisions/0013-sign-in-cache.md)."};

// The text of `denied` when the password is right, but for another user than the one to act for.
inline constexpr std::string_view kNotForAnother = "may not act for another user";

struct Identity {
  AccountId account;
  std::string address;  // the account's own address
};

// What a client says at the end of SCRAM [RFC5802 3].
struct ScramProof {
  std::string user, authorize_as;
  crypto::ScramKeys keys;  // as scram_keys() gave them out at the beginning
  std::string auth_message, proof;
};

// What a greeting says where APOP is offered: "<...@host>", another one each time [RFC1939 7].
std::string make_apop_timestamp(const std::string& hostname);

// Threads: any.  Passwords are never logged.
// INVARIANT 1: a password or proof is right only if what is stored now says so, or, of a password, said so within auth.success_cache.
// INVARIANT 2: after a change of the password the old one is wrong, at once.
class Authenticator {
 public:
  // Password hashing keeps `workers` busy for tens of milliseconds: give it a pool that nothing urgent waits for.
  Authenticator(Directory&, WorkerPool& workers);
  ~Authenticator();

  // `user` is the full address; a bare name is completed with the only local domain, when there is just one.
  // `authorize_as` (SASL authzid [RFC4616]): empty or the same user, otherwise denied (kNotForAnother, when the password is right).
  // denied: wrong user or password (the same answer and the same time for both); throttled: too many wrong guesses for this account or from
  // this address - a correct password is not tried then; io/no_space: temporary.
  // A wrong guess is answered after a delay that grows with the number of recent ones.
  Task<Result<Identity>> verify(std::string user, std::string password, std::string peer_ip, std::string authorize_as = {});

  // The keys of a user, or made-up ones, the same each time, when there is none or it has none: who exists is not told.
  // throttled, io/no_space: as above.
  Task<Result<crypto::ScramKeys>> scram_keys(std::string user, crypto::ScramHash, std::string peer_ip);
  // [RFC1939 7] APOP: `digest` is 32 hexadecimal digits in lower case.  As verify(): a wrong digest is a wrong password, and an account
  // without an APOP secret takes none.
  Task<Result<Identity>> verify_apop(std::string user, std::string timestamp, std::string digest, std::string peer_ip);
  // As verify(): a wrong proof is a wrong password.
  Task<Result<Identity>> verify_proof(ScramProof, std::string peer_ip);

 private:
  struct State;
  struct Claim;
  Task<Result<Claim>> look_up(std::string user, std::string peer_ip, std::string authorize_as);
  Task<Result<Identity>> conclude(Claim, bool right);
  Task<std::unexpected<Error>> refuse_throttled(const Claim&);
  Task<Result<bool>> is_right(Claim&, const std::string& password);
  Task<> keep_renewed(AccountRecord&, Secrets);
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::auth
