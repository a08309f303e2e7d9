// One account: what is known of it, and what it has instead of the server's settings.
#include <map>
#include <utility>

#include "app/admin_commands.h"
#include "auth/account_setting.h"
#include "auth/secrets.h"
#include "base/log.h"
#include "server/pop3/settings.h"
#include "text/saslprep.h"

namespace posthorn::app::commands {
namespace {

constexpr std::size_t kLeastApopSecret = 12;  // characters: whoever saw one exchange may guess as fast as he can

// What the file would say, without quotes.
std::string plain_text(const SettingBase& setting) {
  auto text = setting.current_text();
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

json::array settings_of(const auth::AccountRecord& record) {
  json::array out;
  for (const auto* setting : auth::account_settings()) {
    const auto own = record.settings.find(setting->name());
    const bool is_own = own != record.settings.end();
    out.push_back(json::object{
        {"name", setting->name()}, {"value", is_own ? own->second : plain_text(setting->setting())}, {"own", is_own}});
  }
  return out;
}

Result<void> check(store::Account& account, std::string_view name, std::string_view value) {
  const auto* setting = auth::find_account_setting(name);
  if (!setting) {
    std::string all;
    for (const auto* s : auth::account_settings()) all += (all.empty() ? "" : ", ") + std::string(s->name());
    return fail(Errc::invalid, "an account has no setting '" + std::string(name) + "'; there are: " + all);
  }
  if (value.empty()) return {};
  TRY_OK(setting->check(value));
  if (name == pop3::kMailbox.name() && !account.find_mailbox(value))
    return fail(Errc::invalid, "the account has no mailbox '" + std::string(value) + "'");
  return {};
}

}  // namespace

Task<Answer> account_show(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(const auto record, co_await request.storage.directory().find_account(address));
  CO_TRY(const auto account, co_await request.storage.store().account(record.id));
  json::object shown = usage_of(*account);
  shown["address"] = record.address;
  shown["id"] = record.id.value();
  shown["apop"] = !record.apop_secret.empty();
  shown["settings"] = settings_of(record);
  co_return shown;
}

Task<Answer> account_set(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  const auto* settings = request.arguments.if_contains("settings");
  if (!settings || !settings->is_object()) co_return fail(Errc::syntax, "'settings' is missing, or no object");
  CO_TRY(const auto record, co_await request.storage.directory().find_account(address));
  CO_TRY(const auto account, co_await request.storage.store().account(record.id));
  std::map<std::string, std::string, std::less<>> changes;
  for (const auto& [name, value] : settings->get_object()) {
    if (!value.is_string()) co_return fail(Errc::syntax, "a setting is given as text");
    CO_TRY_OK(check(*account, name, value.get_string()));
    changes[std::string(name)] = std::string(value.get_string());
  }
  for (const auto& [name, value] : changes) log::info("admin.account_setting", {{"address", record.address}, {"name", name}, {"value", value}});
  CO_TRY_OK(co_await request.storage.directory().change_settings(address, std::move(changes)));
  co_return json::object{};
}

Task<Answer> account_apop(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(auto secret, request.text("secret"));
  CO_TRY(const auto record, co_await request.storage.directory().find_account(address));
  if (!secret.empty()) {
    CO_TRY(secret, text::saslprep(secret));  // [RFC6856 2.2]
    if (secret.size() < kLeastApopSecret) co_return fail(Errc::invalid, "a secret for APOP has at least 12 characters");
    if (secret.size() > auth::Directory::kMaxSetting) co_return fail(Errc::invalid, "a secret for APOP has at most 1000 bytes");
    CO_TRY(const auto verdict, co_await request.storage.hashers().run([&] { return auth::judge_password(record.secrets, secret); }));
    if (verdict.right) co_return fail(Errc::invalid, "this is the password of the account: the secret is kept in clear, take another one");
  }
  const bool has_one = !secret.empty();
  CO_TRY_OK(co_await request.storage.directory().set_apop_secret(address, std::move(secret)));
  log::info("admin.apop_secret", {{"address", record.address}, {"set", has_one}});
  co_return json::object{};
}

}  // namespace posthorn::app::commands
