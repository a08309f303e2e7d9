// How the directory is written down: docs/formats/directory.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/directory.h"
#include "auth/local_address.h"
#include "base/result.h"

namespace posthorn::auth::rows {

inline constexpr std::uint64_t kPartition = 0;
inline constexpr std::size_t kSecretSize = 32;

// Keys.  All rows of one kind and domain are one range, so that a domain can be listed.
std::string next_id_key();
std::string secret_key();
std::string domain_key(std::string_view domain);
std::string account_key(const LocalAddress&);
std::string alias_key(const LocalAddress&);
std::string id_key(AccountId);
std::string pending_key(AccountId);
std::string dkim_key(std::string_view domain, std::string_view selector);

enum class Kind : char { domain = 'd', account = 'a', alias = 'l', pending = 'p', dkim_key = 'k' };
struct KeyRange {
  std::string from, to;
};
KeyRange all_of(Kind);
KeyRange of_domain(Kind, std::string_view domain);  // accounts, aliases or DKIM keys
// The least key above `key`: where a scan goes on.
std::string behind(std::string key);

std::string encode_id(AccountId);
std::string encode_account(const AccountRecord&);
std::string encode_alias(const AliasRecord&);
std::string encode_domain();
// `private_key` is PEM, and empty for a key that is retired.
std::string encode_dkim_key(const DkimKey&, std::string_view private_key);
// A key just made.
void put_new_dkim_key(kv::Batch&, std::string_view domain, const crypto::NamedKey&, DkimKeyState);
// Errc::corrupt
Result<AccountId> decode_id(std::string_view value);
Result<AccountRecord> decode_account(std::string_view key, std::string_view value);
Result<AliasRecord> decode_alias(std::string_view key, std::string_view value);
Result<AccountId> id_of_pending_key(std::string_view key);
Result<LocalAddress> address_of_key(std::string_view key);
struct StoredDkimKey {
  DkimKey key;
  std::string private_key;
};
Result<StoredDkimKey> decode_dkim_key(std::string_view key, std::string_view value);

}  // namespace posthorn::auth::rows
