// How the server is, and whether its data are sound.
#include "app/admin_commands.h"
#include "base/metrics.h"
#include "queue/check.h"
#include "search/check.h"

namespace posthorn::app::commands {

Task<Answer> status(const Request& request) {
  if (!request.live) co_return fail(Errc::not_found, "the server is not running");
  const auto live = request.live();
  json::array listeners;
  for (const auto& text : live.listeners) listeners.emplace_back(text);
  const auto kv = request.storage.kv().stats();
  const auto store = request.storage.store().stats();
  json::object metrics;
  for (const auto& [name, value] : metrics_snapshot()) metrics[name] = value;
  co_return json::object{
      {"version", live.version},
      {"hostname", live.hostname},
      {"process", live.process},
      {"uptime_seconds", live.uptime_seconds},
      {"listeners", std::move(listeners)},
      {"commits_per_second", live.commits_per_second},
      {"syncs_per_second", live.syncs_per_second},
      {"commits_per_second_10", live.commits_per_second_10},
      {"syncs_per_second_10", live.syncs_per_second_10},
      {"commits", kv.commits},
      {"syncs", kv.syncs},
      {"bytes_written", kv.bytes_written},
      {"cache_bytes", kv.cache_bytes},
      {"accounts_cached", store.accounts_cached},
      {"views_cached", store.views_cached},
      {"view_bytes", store.view_bytes},
      {"metrics", std::move(metrics)},
  };
}

namespace {

// Accounts without mail account, and rows that disagree.
Task<Result<void>> check_accounts(Storage& storage, json::array& problems) {
  CO_TRY(const auto found, co_await storage.directory().check());
  for (const auto& text : found) problems.emplace_back("directory: " + text);
  CO_TRY(const auto accounts, co_await storage.directory().list_accounts(""));
  for (const auto& record : accounts) {
    CO_TRY(const auto columns, co_await search::check_columns(storage.kv(), record.id));
    for (const auto& text : columns) problems.emplace_back("account " + record.address + ": " + text);
    const auto account = co_await storage.store().account(record.id);
    if (account) continue;
    if (account.error().code != Errc::not_found) co_return std::unexpected(account.error());
    // It may have been removed since it was listed.
    const auto again = co_await storage.directory().find_account(record.id);
    if (again) problems.emplace_back("account " + record.address + " has no mailboxes");
  }
  co_return Result<void>{};
}

}  // namespace

Task<Answer> store_check(const Request& request) {
  auto& storage = request.storage;
  const auto at = storage.kv().snapshot();
  CO_TRY(const auto report, co_await store::check_store(storage.kv(), storage.blobs(), at));
  json::array problems;
  for (const auto& problem : report.problems)
    problems.emplace_back(problem.account == AccountId() ? problem.text
                                                         : "account " + std::to_string(problem.account.value()) + ": " + problem.text);
  CO_TRY(const auto queued, co_await queue::check_queue(storage.kv(), storage.blobs(), at, report.queued));
  for (const auto& text : queued.problems) problems.emplace_back(text);
  CO_TRY_OK(co_await check_accounts(storage, problems));
  co_return json::object{{"problems", std::move(problems)}, {"accounts", report.accounts}, {"mailboxes", report.mailboxes},
                         {"entries", report.entries},       {"messages", report.messages}, {"blobs", report.blobs},
                         {"queued", queued.entries}};
}

}  // namespace posthorn::app::commands
