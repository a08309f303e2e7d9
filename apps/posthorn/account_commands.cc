// What one account is like.
#include "commands.h"
#include "output.h"
#include "password_input.h"

namespace posthorn {

namespace json = boost::json;

namespace {

std::string limit_text(const json::object& account, std::string_view key, bool is_size) {
  const auto* limit = account.if_contains(key);
  if (!limit || limit->is_null()) return " (no limit)";
  return " of " + (is_size ? rough_size(number_of(account, key)) : std::to_string(number_of(account, key)));
}

}  // namespace

int account_show(const Common& common, const std::string& address) {
  const auto answer = ask(common, {{"command", "account.show"}, {"address", address}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  const auto line = [](std::string_view left, const std::string& right) { say(columns(left, 24, right)); };
  line("address", text_of(*answer, "address"));
  line("id", std::to_string(number_of(*answer, "id")));
  line("mail", rough_size(number_of(*answer, "bytes")) + limit_text(*answer, "quota", true));
  line("messages", std::to_string(number_of(*answer, "messages")) + limit_text(*answer, "messages_quota", false));
  line("mailboxes", std::to_string(number_of(*answer, "mailboxes")) + limit_text(*answer, "mailboxes_quota", false));
  line("apop", flag_of(*answer, "apop") ? "has a secret" : "no secret");
  for (const auto& value : list_of(*answer, "settings")) {
    const auto& setting = value.as_object();
    line(text_of(setting, "name"), text_of(setting, "value") + (flag_of(setting, "own") ? "" : "   (the server's)"));
  }
  return kDone;
}

int account_set(const Common& common, const std::string& address, const std::vector<std::string>& settings) {
  json::object changes;
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return say_failed({Errc::invalid, "'" + setting + "' is not of the form NAME=VALUE"});
    if (!changes.emplace(setting.substr(0, equals), setting.substr(equals + 1)).second)
      return say_failed({Errc::invalid, "'" + setting.substr(0, equals) + "' is given twice"});
  }
  const auto answer = ask(common, {{"command", "account.set"}, {"address", address}, {"settings", changes}});
  if (!answer) return kFailed;
  if (!common.json) say("changed the settings of " + address);
  return kDone;
}

int account_apop(const Common& common, const std::string& address, const std::string& password_file, bool off) {
  if (off && !password_file.empty()) return say_failed({Errc::invalid, "--off and --password-file exclude each other"});
  auto secret = off ? Result<std::string>() : read_password(password_file);
  if (!secret) return say_failed(secret.error());
  if (!off && secret->empty()) return say_failed({Errc::invalid, "the secret is empty; use --off to have none"});
  const auto answer = ask(common, {{"command", "account.apop"}, {"address", address}, {"secret", *secret}});
  if (!answer) return kFailed;
  if (!common.json) say(off ? "forgot the APOP secret of " + address : "set the APOP secret of " + address);
  return kDone;
}

}  // namespace posthorn
