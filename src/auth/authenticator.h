// Is this the user it claims to be?  Passwords are checked on the worker pool, guesses are slowed.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "async/worker_pool.h"
#include "auth/directory.h"
#include "base/result.h"

namespace posthorn::auth {

struct Identity {
  AccountId account;
  std::string address;  // the account's own address
};

// Threads: any.  Passwords are never logged.
class Authenticator {
 public:
  Authenticator(Directory&, WorkerPool&);
  ~Authenticator();

  // `user` is the full address; a bare name is completed with the only local domain, when there is just one.
  // `authorize_as` (SASL authzid [RFC4616]): empty or the same user, otherwise denied.
  // denied: wrong user or password (the same answer and the same time for both); throttled: too many wrong guesses for this account or from
  // this address - a correct password is not tried then; io/no_space: temporary.
  // A wrong guess is answered after a delay that grows with the number of recent ones.
  Task<Result<Identity>> verify(std::string user, std::string password, std::string peer_ip, std::string authorize_as = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::auth
