// Who exists: domains, accounts, aliases.  Stored in kv (Space::directory), changed while running.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/dkim_key.h"
#include "auth/secrets.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/settings.h"
#include "crypto/signing_key.h"
#include "kv/store.h"

namespace posthorn::auth {

namespace rows {
enum class Kind : char;
struct StoredDkimKey;
}

inline const Setting<Bytes> kDirectoryCache{"auth.directory_cache", 16_MiB, 64_KiB, 4_GiB,
                                            "Memory for addresses looked up recently, those that do not exist included."};

// Addresses are compared without regard to case in both halves (ASCII letters); stored in lower case.  "user+detail@domain" finds
// "user@domain" when nothing more exact exists [RFC5233].  An account's quota is kept by the mail store.
struct AccountRecord {
  AccountId id;
  std::string address;        // lower case
  Secrets secrets;
  // What APOP's digest is made with, in clear, because it must be [RFC1939 7]; after SASLprep.  Empty: no APOP.  Not the password.
  std::string apop_secret = {};
  std::map<std::string, std::string, std::less<>> settings = {};  // account_setting.h: by name, as text
};

struct AliasRecord {
  std::string address;               // lower case; "@domain" catches all of a domain
  // Local addresses (accounts or aliases) in lower case, and addresses elsewhere with their local part as it was given.
  std::vector<std::string> targets;
};

// Where mail to an address goes: at least one of the two has something.
struct Resolved {
  std::vector<AccountId> accounts;   // distinct, ascending
  std::vector<std::string> outside;  // distinct; addresses whose domain is not ours, by an alias
};

// Threads: any.  Look-ups are answered from a bounded cache where possible.
//
// INVARIANT 1: every change is one durable commit under the lock of partition 0; look-ups that begin after it returned see it.
// INVARIANT 2: an address is an account or an alias, never both; its domain exists.
// INVARIANT 3: an account id is never given twice, not even after a crash.
class Directory {
 public:
  static constexpr std::size_t kMaxTargets = 1000;  // of an alias, and of everything it expands to
  static constexpr std::size_t kMaxSettings = 64;   // of an account
  static constexpr std::size_t kMaxSetting = 1000;  // bytes

  explicit Directory(kv::Store& kv);
  Task<Result<void>> open();

  // --- look-ups
  bool is_local_domain(std::string_view domain) const;  // domains are all in memory
  // not_found: no such user in a local domain.  invalid: the domain is not local.  Alias loops and more than 1,000 targets: limit.
  Task<Result<Resolved>> resolve(std::string local_part, std::string domain);
  // Exactly this address, not through an alias.
  Task<Result<AccountRecord>> find_account(std::string address);
  Task<Result<AccountRecord>> find_account(AccountId);
  // 32 random bytes, the same for as long as these data exist: to make up what belongs to nobody.
  const std::string& secret() const;

  // --- changes (each one durable commit); errors of all of them: no_space, io
  // With its first DKIM keys, which sign at once.  exists, invalid
  Task<Result<void>> add_domain(std::string domain, std::vector<crypto::NamedKey> keys = {});
  Task<Result<void>> remove_domain(std::string domain);   // not_found; busy: it still has accounts or aliases
  std::vector<std::string> domains() const;               // sorted
  // The id is new and never reused; the caller creates the mail account in the store.  exists; invalid: bad address;
  // not_found: no such domain.
  Task<Result<AccountId>> add_account(std::string address, Secrets);
  // Whoever signed in with an older password or by APOP cannot any more.  not_found
  Task<Result<void>> set_secrets(std::string address, Secrets);
  // The same, unless the account has changed or gone since `seen` was read (busy).
  Task<Result<void>> replace_secrets(AccountRecord seen, Secrets);
  // Empty: APOP lets this account in no more.  not_found
  Task<Result<void>> set_apop_secret(std::string address, std::string secret);
  // Those that are named; an empty value takes one away.  All in one commit.  Whether they make sense is for the caller to know
  // (account_setting.h).  not_found; limit: more than kMaxSettings, or a longer text than kMaxSetting.
  Task<Result<void>> change_settings(std::string address, std::map<std::string, std::string, std::less<>>);
  // The id stays on the list of pending ids until settle(): the caller removes the mail first.
  Task<Result<AccountId>> remove_account(std::string address);
  Task<Result<std::vector<AccountRecord>>> list_accounts(std::string domain_or_empty);
  // A target in a domain of ours exists already (invalid otherwise), and no loop comes of it (invalid).  Others are only looked at for
  // their form.
  Task<Result<void>> add_alias(std::string address, std::vector<std::string> targets);
  Task<Result<void>> remove_alias(std::string address);
  Task<Result<std::vector<AliasRecord>>> list_aliases(std::string domain_or_empty);

  // --- DKIM keys; dkim_key.h tells their life.  not_found: no such domain
  Task<Result<std::vector<DkimKey>>> dkim_keys(std::string domain);  // by selector
  // They wait, or sign at once when none does.  exists: a selector is taken, or others wait already; limit: more than kMaxDkimKeys.
  Task<Result<void>> add_dkim_keys(std::string domain, std::vector<crypto::NamedKey>);
  // Those that wait sign from now on, and those that signed retire.  not_found: none waits.
  Task<Result<void>> activate_dkim_keys(std::string domain);
  // In whatever state it is.  not_found: no such selector.
  Task<Result<void>> remove_dkim_key(std::string domain, std::string selector);
  // What mail of this domain is signed with now; empty when nothing, and when the domain is not ours.  From a bounded cache.
  Task<Result<SigningKeys>> signing_keys(std::string domain);

  // --- accounts in step with their mail, whatever crashes: an id is pending from reserve_ids() until its account has been added,
  // and from remove_account() until settle().  Mail of ids that are pending at the start belongs to nobody.
  Task<Result<std::vector<AccountId>>> reserve_ids(std::size_t count);
  struct NewAccount {
    AccountId id;  // from reserve_ids
    std::string address;
    Secrets secrets;
  };
  // All that can be added, in one commit; answers each.
  Task<Result<std::vector<Result<void>>>> add_accounts(std::vector<NewAccount>);
  Task<Result<void>> settle(std::vector<AccountId>);
  Task<Result<std::vector<AccountId>>> pending_ids();
  // What `posthorn store check` says of these rows (docs/formats/directory.md); empty is good.
  Task<Result<std::vector<std::string>>> check();

 private:
  struct State;
  struct Address;
  Task<Result<Address>> look_up(const std::string& domain, const std::string& local);
  Task<Result<Address>> look_up_as_delivered(const std::string& domain, const std::string& local);
  Task<Result<Resolved>> expand(std::string domain, std::string local, std::string refuse_to_pass);
  Task<Result<std::vector<kv::Row>>> scan_all(std::string from, std::string to, kv::SnapshotPtr = {});
  // The rows of one domain (not_found: it is not ours), or of all when it is empty.
  Task<Result<std::vector<kv::Row>>> scan_kind(rows::Kind, std::string domain);
  Task<Result<void>> commit(kv::Batch);
  Task<Result<void>> read_domains();
  Task<Result<void>> read_secret();
  Task<Result<void>> write_account(const AccountRecord&);
  Task<Result<std::vector<rows::StoredDkimKey>>> read_dkim_keys(std::string domain);

  kv::Store& kv_;
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::auth
