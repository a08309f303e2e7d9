// Who exists: domains, accounts, aliases.  Stored in kv (Space::directory), changed while running.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "async/mutex.h"
#include "async/task.h"
#include "base/ids.h"
#include "base/result.h"
#include "kv/store.h"

namespace posthorn::auth {

// Addresses are compared without regard to case in both halves; stored in lower case.  "user+detail@domain" finds "user@domain"
// when nothing more exact exists [RFC5233].
struct AccountRecord {
  AccountId id;
  std::string address;        // lower case
  std::string password_hash;  // crypto::hash_password
  std::string scram_sha256;   // crypto/scram.h text form: kept so that SCRAM can be offered without a new password
  std::uint64_t quota_bytes = 0;  // 0: none
};

struct AliasRecord {
  std::string address;               // lower case; "@domain" catches all of a domain
  std::vector<std::string> targets;  // local addresses (accounts or aliases)
};

// Where mail to an address goes.
struct Resolved {
  std::vector<AccountId> accounts;  // distinct, ascending; at least one
};

// Threads: any.  Look-ups are answered from a bounded cache where possible.
class Directory {
 public:
  explicit Directory(kv::Store& kv);
  Task<Result<void>> open();

  // --- look-ups
  bool is_local_domain(std::string_view domain) const;  // domains are all in memory
  // not_found: no such user in a local domain.  invalid: the domain is not local.  Alias loops and more than 1,000 targets: limit.
  Task<Result<Resolved>> resolve(std::string local_part, std::string domain);
  Task<Result<AccountRecord>> find_account(std::string address);
  Task<Result<AccountRecord>> find_account(AccountId);

  // --- changes (each one durable commit)
  Task<Result<void>> add_domain(std::string domain);      // exists, invalid
  Task<Result<void>> remove_domain(std::string domain);   // not_found; busy: it still has accounts or aliases
  std::vector<std::string> domains() const;
  // The id is new and never reused; the caller creates the mail account in the store.
  Task<Result<AccountId>> add_account(std::string address, std::string password_hash, std::string scram_sha256);
  Task<Result<void>> set_password(std::string address, std::string password_hash, std::string scram_sha256);
  Task<Result<AccountId>> remove_account(std::string address);
  Task<Result<std::vector<AccountRecord>>> list_accounts(std::string domain_or_empty);
  Task<Result<void>> add_alias(std::string address, std::vector<std::string> targets);
  Task<Result<void>> remove_alias(std::string address);
  Task<Result<std::vector<AliasRecord>>> list_aliases(std::string domain_or_empty);

 private:
  struct State;
  kv::Store& kv_;
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::auth
