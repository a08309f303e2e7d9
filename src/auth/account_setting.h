// Settings of the server that an account may have for itself.
//
//   inline const Setting<bool> kHideSeen{"pop3.hide_seen", false, "..."};
//   inline const auth::AccountSetting<bool> kHideSeenOfAccount{kHideSeen};
//   ... kHideSeenOfAccount.get(record) ...     // the account's own value, else the server's
//
// `posthorn account set` changes them (directory.h: change_settings), by the name of the setting.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "auth/directory.h"
#include "base/result.h"
#include "base/settings.h"

namespace posthorn::auth {

// The registry knows them as this.
class AccountSettingBase {
 public:
  AccountSettingBase(const AccountSettingBase&) = delete;

  std::string_view name() const { return setting_.name(); }
  const SettingBase& setting() const { return setting_; }  // the server's
  // Whether an account may have this value, written without quotes.  Errc::invalid: begins with the name, says what is allowed.
  Result<void> check(std::string_view text) const;

 protected:
  explicit AccountSettingBase(const SettingBase&);
  ~AccountSettingBase() = default;
  // Null: none of its own, or one that is not allowed any more.
  const std::string* find(const AccountRecord&) const;

 private:
  friend std::vector<const AccountSettingBase*> account_settings();
  const SettingBase& setting_;
  const AccountSettingBase* next_ = nullptr;
};

template <class T>
class AccountSetting final : public AccountSettingBase {
 public:
  explicit AccountSetting(const Setting<T>& setting) : AccountSettingBase(setting), server_(setting) {}
  auto get(const AccountRecord& account) const {
    const auto* own = find(account);
    return own ? value_of(*own) : T(server_.get());
  }

 private:
  static T value_of(const std::string& text) {
    if constexpr (std::is_same_v<T, bool>)
      return text == "true";
    else if constexpr (std::is_same_v<T, std::string>)
      return text;
    else
      return std::chrono::duration_cast<T>(parse_duration(text).value_or(std::chrono::milliseconds(0)));
  }
  const Setting<T>& server_;
};

// Every one linked into this program, ordered by name.  Call after main() has begun.
std::vector<const AccountSettingBase*> account_settings();
const AccountSettingBase* find_account_setting(std::string_view name);  // null: there is none

}  // namespace posthorn::auth
