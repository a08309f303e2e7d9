// The account row (docs/formats/store.md).
#pragma once

#include <string>
#include <string_view>

#include "store/account.h"

namespace posthorn::store {

inline constexpr std::string_view kCoreKey = "core";

std::string encode_core(const Account::Core&);
Result<Account::Core> decode_core(std::string_view);

// Space::meta, partition 0: one key for every account, so that they can be listed.
std::string account_index_key(AccountId);
inline constexpr std::string_view kAccountIndex = "account/";

}  // namespace posthorn::store
