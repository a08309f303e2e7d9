// Domains and aliases.
#include "app/admin_commands.h"
#include "auth/local_address.h"
#include "base/log.h"
#include "text/idna.h"

namespace posthorn::app::commands {

Task<Answer> domain_add(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  CO_TRY_OK(auth::normal_domain(domain));
  auto& directory = request.storage.directory();
  std::vector<crypto::NamedKey> keys;
  if (request.flag("dkim", true) && !directory.is_local_domain(domain)) {
    CO_TRY_OK(text::domain_to_ascii(domain));  // or their records could have no name
    CO_TRY(keys, co_await first_dkim_keys(request.storage));
  }
  CO_TRY_OK(co_await directory.add_domain(domain, std::move(keys)));
  log::info("admin.domain_added", {{"domain", domain}});
  co_return json::object{};
}

Task<Answer> domain_list(const Request& request) {
  json::array domains;
  for (const auto& domain : request.storage.directory().domains()) domains.emplace_back(domain);
  co_return json::object{{"domains", std::move(domains)}};
}

Task<Answer> domain_remove(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  CO_TRY_OK(co_await request.storage.directory().remove_domain(domain));
  log::info("admin.domain_removed", {{"domain", domain}});
  co_return json::object{};
}

Task<Answer> alias_add(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(auto targets, request.texts("targets"));
  auto& directory = request.storage.directory();
  // Named in the answer: a slip in a domain of ours would send mail elsewhere.
  json::array outside;
  for (const auto& target : targets)
    if (!directory.is_local_domain(target.substr(target.rfind('@') + 1))) outside.emplace_back(target);
  CO_TRY_OK(co_await directory.add_alias(address, std::move(targets)));
  log::info("admin.alias_added", {{"address", address}});
  co_return json::object{{"outside", std::move(outside)}};
}

Task<Answer> alias_list(const Request& request) {
  CO_TRY(const auto domain, request.optional_text("domain"));
  CO_TRY(const auto found, co_await request.storage.directory().list_aliases(domain));
  json::array aliases;
  for (const auto& alias : found) {
    json::array targets;
    for (const auto& target : alias.targets) targets.emplace_back(target);
    aliases.push_back(json::object{{"address", alias.address}, {"targets", std::move(targets)}});
  }
  co_return json::object{{"aliases", std::move(aliases)}};
}

Task<Answer> alias_remove(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY_OK(co_await request.storage.directory().remove_alias(address));
  log::info("admin.alias_removed", {{"address", address}});
  co_return json::object{};
}

}  // namespace posthorn::app::commands
