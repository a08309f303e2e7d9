#include "app/admin.h"

#include <algorithm>

#include "app/admin_commands.h"

namespace posthorn::app {
namespace commands {
namespace {

constexpr struct {
  std::string_view name;
  Task<Answer> (*run)(const Request&);
} kCommands[] = {
    {"domain.add", domain_add},         {"domain.list", domain_list},
    {"domain.remove", domain_remove},   {"domain.dns", domain_dns},
    {"domain.dkim.list", dkim_list},    {"domain.dkim.rotate", dkim_rotate},
    {"domain.dkim.activate", dkim_activate}, {"domain.dkim.remove", dkim_remove},
    {"account.add", account_add},
    {"account.list", account_list},     {"account.remove", account_remove},
    {"account.password", account_password}, {"account.quota", account_quota},
    {"account.show", account_show},     {"account.set", account_set},
    {"account.apop", account_apop},
    {"alias.add", alias_add},           {"alias.list", alias_list},
    {"alias.remove", alias_remove},     {"status", status},
    {"store.check", store_check},       {"queue.list", queue_list},
    {"queue.show", queue_show},         {"queue.act", queue_act},
    {"trace.message", trace_message},   {"trace.address", trace_address},
};

Task<Answer> dispatch(Storage& storage, const std::function<LiveStatus()>& live, const json::value& value) {
  const auto* arguments = value.if_object();
  if (!arguments) co_return fail(Errc::syntax, "a request is a JSON object");
  const Request request{storage, live, *arguments};
  CO_TRY(const auto name, request.text("command"));
  for (const auto& command : kCommands)
    if (command.name == name) co_return co_await command.run(request);
  co_return fail(Errc::unsupported, "unknown command '" + name + "'");
}

}  // namespace

Result<std::string> Request::text(std::string_view name) const {
  const auto* value = arguments.if_contains(name);
  if (!value || !value->is_string()) return fail(Errc::syntax, "'" + std::string(name) + "' is missing, or no text");
  return std::string(value->get_string());
}

Result<std::string> Request::optional_text(std::string_view name) const {
  if (!arguments.contains(name)) return std::string();
  return text(name);
}

Result<std::optional<std::uint64_t>> Request::optional_number(std::string_view name) const {
  const auto* value = arguments.if_contains(name);
  if (!value || value->is_null()) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return fail(Errc::syntax, "'" + std::string(name) + "' is not a number");
  return number;
}

Result<std::vector<std::string>> Request::texts(std::string_view name) const {
  const auto* value = arguments.if_contains(name);
  if (!value || !value->is_array()) return fail(Errc::syntax, "'" + std::string(name) + "' is missing, or no list");
  std::vector<std::string> out;
  for (const auto& one : value->get_array()) {
    if (!one.is_string()) return fail(Errc::syntax, "'" + std::string(name) + "' has something that is no text");
    out.emplace_back(one.get_string());
  }
  return out;
}

bool Request::flag(std::string_view name, bool otherwise) const {
  const auto* value = arguments.if_contains(name);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

std::string code_name(Errc code) {
  std::string name(to_string(code));
  std::ranges::replace(name, ' ', '_');
  return name;
}

}  // namespace commands

Task<std::string> Admin::answer(std::string request) {
  namespace json = boost::json;
  boost::system::error_code error;
  const auto value = json::parse(request, error);
  commands::Answer answer = fail(Errc::syntax, "the request is not JSON");
  if (!error) answer = co_await commands::dispatch(storage_, live_, value);
  if (answer) {
    (*answer)["ok"] = true;
    co_return json::serialize(*answer);
  }
  co_return refusal(answer.error());
}

std::string Admin::refusal(const Error& error) {
  return boost::json::serialize(boost::json::object{{"ok", false}, {"code", commands::code_name(error.code)}, {"error", error.text}});
}

}  // namespace posthorn::app
