#include "auth/account_setting.h"

#include <algorithm>
#include <charconv>

namespace posthorn::auth {
namespace {

// As base/settings.cc: constant-initialised, so that any source file may register before main().
constinit const AccountSettingBase* g_first = nullptr;

// What the file would say for this text.
SettingValue value_of(SettingBase::Kind kind, std::string_view text) {
  if (kind == SettingBase::Kind::boolean && (text == "true" || text == "false")) return text == "true";
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (kind == SettingBase::Kind::integer && is_number) return number;
  return std::string(text);
}

}  // namespace

AccountSettingBase::AccountSettingBase(const SettingBase& setting) : setting_(setting), next_(g_first) { g_first = this; }

Result<void> AccountSettingBase::check(std::string_view text) const {
  const auto checked = setting_.check(value_of(setting_.kind(), text));
  if (checked) return {};
  return fail(checked.error().code, std::string(name()) + ' ' + checked.error().text);
}

const std::string* AccountSettingBase::find(const AccountRecord& account) const {
  const auto it = account.settings.find(name());
  return it != account.settings.end() && check(it->second) ? &it->second : nullptr;
}

std::vector<const AccountSettingBase*> account_settings() {
  std::vector<const AccountSettingBase*> all;
  for (const auto* s = g_first; s; s = s->next_) all.push_back(s);
  std::ranges::sort(all, {}, &AccountSettingBase::name);
  return all;
}

const AccountSettingBase* find_account_setting(std::string_view name) {
  for (const auto* s : account_settings())
    if (s->name() == name) return s;
  return nullptr;
}

}  // namespace posthorn::auth
