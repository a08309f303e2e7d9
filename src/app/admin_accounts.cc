// Accounts: what the directory knows of them and their mail, made and removed together.
#include <algorithm>
#include <optional>
#include <utility>

#include "app/admin_commands.h"
#include "async/reactor.h"
#include "async/task_group.h"
#include "auth/local_address.h"
#include "auth/secrets.h"
#include "base/log.h"

namespace posthorn::app::commands {
namespace {

// One account on its way.
struct Candidate {
  std::string address, password;
  store::Limit quota;  // bytes
  auth::Secrets secrets;
  AccountId id;
  std::optional<Error> trouble;
  bool made = false;  // its mail account exists
};

Result<std::vector<Candidate>> read_candidates(const Request& request) {
  const auto* list = request.arguments.if_contains("accounts");
  if (!list || !list->is_array()) return fail(Errc::syntax, "'accounts' is missing, or no list");
  if (list->get_array().size() > Admin::kMaxBatch) return fail(Errc::limit, "more than 1000 accounts in one request");
  std::vector<Candidate> out;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return fail(Errc::syntax, "an account is an object");
    const Request account{request.storage, request.live, item.get_object()};
    Candidate c;
    TRY(c.address, account.text("address"));
    TRY(c.password, account.text("password"));
    TRY(c.quota, account.optional_number("quota"));
    out.push_back(std::move(c));
  }
  return out;
}

// What can be known without hashing: spares the time, and the ids.
Task<> look_before(Storage& storage, Candidate& c) {
  const auto name = auth::normal_address(c.address);
  if (!name) {
    c.trouble = name.error();
    co_return;
  }
  c.address = name->text();
  if (!storage.directory().is_local_domain(name->domain)) {
    c.trouble = Error{Errc::not_found, "no domain " + name->domain};
    co_return;
  }
  const auto found = co_await storage.directory().find_account(c.address);
  if (found) c.trouble = Error{Errc::exists, c.address + " exists already"};
  if (!found && found.error().code != Errc::not_found) c.trouble = found.error();
}

Task<> hash(Storage& storage, Candidate& c) {
  auto secrets = co_await storage.hashers().run([&c] { return auth::make_secrets(c.password); });
  if (secrets)
    c.secrets = *std::move(secrets);
  else
    c.trouble = std::move(secrets).error();
}

Task<Result<void>> make_mail(Storage& storage, const Candidate& c) {
  CO_TRY_OK(co_await storage.store().create_account(c.id));
  if (!c.quota) co_return Result<void>{};
  CO_TRY(const auto account, co_await storage.store().account(c.id));
  co_return co_await account->set_quota({.bytes = c.quota});
}

Task<> make_mail_account(Storage& storage, Candidate& c) {
  auto made = co_await make_mail(storage, c);
  c.made = made.has_value();
  if (!made) c.trouble = std::move(made).error();
}

// For those that have no trouble yet, at the same time.
Task<> for_the_good(Storage& storage, std::vector<Candidate>& candidates, Task<> (*step)(Storage&, Candidate&)) {
  TaskGroup group;
  for (auto& c : candidates)
    if (!c.trouble) group.spawn(Reactor::current(), step(storage, c));
  co_await group.join();
}

Task<Result<void>> add_to_directory(Storage& storage, std::vector<Candidate>& candidates) {
  std::vector<auth::Directory::NewAccount> accounts;
  std::vector<Candidate*> of;
  for (auto& c : candidates) {
    if (c.trouble) continue;
    of.push_back(&c);
    accounts.push_back({c.id, c.address, std::move(c.secrets)});
  }
  CO_TRY(auto answers, co_await storage.directory().add_accounts(std::move(accounts)));
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (!answers[i]) of[i]->trouble = std::move(answers[i]).error();
  co_return Result<void>{};
}

// Mail accounts whose address was refused in the end (twice in one request, say).
Task<Result<void>> undo(Storage& storage, const std::vector<Candidate>& candidates) {
  std::vector<AccountId> ids;
  for (const auto& c : candidates) {
    if (!c.trouble || c.id == AccountId()) continue;
    if (c.made) {
      CO_TRY_OK(co_await storage.store().remove_account(c.id));
    }
    ids.push_back(c.id);
  }
  if (ids.empty()) co_return Result<void>{};
  co_return co_await storage.directory().settle(std::move(ids));
}

Task<Result<void>> add_all(Storage& storage, std::vector<Candidate>& candidates) {
  co_await for_the_good(storage, candidates, look_before);
  co_await for_the_good(storage, candidates, hash);
  const auto good = std::ranges::count_if(candidates, [](const Candidate& c) { return !c.trouble; });
  if (good == 0) co_return Result<void>{};
  CO_TRY(const auto ids, co_await storage.directory().reserve_ids(static_cast<std::size_t>(good)));
  auto next = ids.begin();
  for (auto& c : candidates)
    if (!c.trouble) c.id = *next++;
  co_await for_the_good(storage, candidates, make_mail_account);
  CO_TRY_OK(co_await add_to_directory(storage, candidates));
  co_return co_await undo(storage, candidates);
}

}  // namespace

Task<Answer> account_add(const Request& request) {
  CO_TRY(auto candidates, read_candidates(request));
  CO_TRY_OK(co_await add_all(request.storage, candidates));
  json::array results;
  for (const auto& c : candidates) {
    if (c.trouble) {
      results.push_back(json::object{
          {"address", c.address}, {"ok", false}, {"code", code_name(c.trouble->code)}, {"error", c.trouble->text}});
      continue;
    }
    log::info("admin.account_added", {{"address", c.address}, {"account", c.id}});
    results.push_back(json::object{{"address", c.address}, {"ok", true}});
  }
  co_return json::object{{"results", std::move(results)}};
}

json::object usage_of(const store::Account& account) {
  const auto quota = account.quota();
  const auto shown = [](store::Limit limit) { return limit ? json::value(*limit) : json::value(nullptr); };
  return {{"bytes", quota.bytes_used},
          {"messages", quota.messages_used},
          {"mailboxes", quota.mailboxes_used},
          {"quota", shown(quota.bytes_limit)},
          {"messages_quota", shown(quota.messages_limit)},
          {"mailboxes_quota", shown(quota.mailboxes_limit)}};
}

Task<Answer> account_list(const Request& request) {
  CO_TRY(const auto domain, request.optional_text("domain"));
  CO_TRY(const auto found, co_await request.storage.directory().list_accounts(domain));
  json::array accounts;
  for (const auto& record : found) {
    json::object shown;
    if (request.flag("usage")) {
      const auto account = co_await request.storage.store().account(record.id);
      if (!account && account.error().code == Errc::not_found) continue;  // removed since it was listed
      if (!account) co_return std::unexpected(account.error());
      shown = usage_of(**account);
    }
    shown["address"] = record.address;
    shown["id"] = record.id.value();
    accounts.push_back(std::move(shown));
  }
  co_return json::object{{"accounts", std::move(accounts)}};
}

Task<Answer> account_remove(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(const auto id, co_await request.storage.directory().remove_account(address));
  const auto removed = co_await request.storage.store().remove_account(id);
  if (!removed && removed.error().code != Errc::not_found)
    co_return fail(removed.error().code,
                   "the account is gone, but not yet its mail, which is removed at the next start: " + removed.error().text);
  CO_TRY_OK(co_await request.storage.directory().settle({id}));
  log::info("admin.account_removed", {{"address", address}, {"account", id}});

  // Aliases may still name it.
  CO_TRY(const auto name, auth::normal_address(address));
  CO_TRY(const auto aliases, co_await request.storage.directory().list_aliases(""));
  json::array left;
  for (const auto& alias : aliases)
    if (std::ranges::find(alias.targets, name.text()) != alias.targets.end()) left.emplace_back(alias.address);
  co_return json::object{{"aliases_left", std::move(left)}};
}

Task<Answer> account_password(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(const auto password, request.text("password"));
  CO_TRY_OK(co_await request.storage.directory().find_account(address));
  CO_TRY(auto secrets, co_await request.storage.hashers().run([&password] { return auth::make_secrets(password); }));
  CO_TRY_OK(co_await request.storage.directory().set_secrets(address, std::move(secrets)));
  log::info("admin.password_changed", {{"address", address}});
  co_return json::object{};
}

Task<Answer> account_quota(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(const auto quota, request.optional_number("quota"));
  CO_TRY(const auto record, co_await request.storage.directory().find_account(address));
  CO_TRY(const auto account, co_await request.storage.store().account(record.id));
  const auto now = account->quota();
  store::QuotaLimits limits{.bytes = quota, .messages = now.messages_limit, .mailboxes = now.mailboxes_limit};
  // These stay when they are not named.
  if (request.arguments.contains("messages")) {
    CO_TRY(limits.messages, request.optional_number("messages"));
  }
  if (request.arguments.contains("mailboxes")) {
    CO_TRY(limits.mailboxes, request.optional_number("mailboxes"));
  }
  CO_TRY_OK(co_await account->set_quota(limits));
  const auto text = [](store::Limit limit) { return limit ? std::to_string(*limit) : "none"; };
  log::info("admin.quota_changed", {{"address", address},
                                    {"quota", text(limits.bytes)},
                                    {"messages", text(limits.messages)},
                                    {"mailboxes", text(limits.mailboxes)}});
  co_return json::object{};
}

}  // namespace posthorn::app::commands
