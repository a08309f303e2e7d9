#include "commands.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/settings.h"
#include "output.h"
#include "password_input.h"

namespace posthorn {

namespace json = boost::json;

namespace {

int done(const Common& common, const std::optional<json::object>& answer, const std::string& line) {
  if (!answer) return kFailed;
  if (!common.json) say(line);
  return kDone;
}

std::string rate(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  boost::system::error_code error;
  const double n = value ? value->to_number<double>(error) : 0;
  char text[32];
  std::snprintf(text, sizeof text, n < 10 ? "%.1f" : "%.0f", n);
  return text;
}

std::string mebibytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string uptime(std::int64_t s) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld d %02lld:%02lld:%02lld", static_cast<long long>(s / 86400),
                static_cast<long long>(s / 3600 % 24), static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  return text;
}

// "1 GiB", or "none".
Result<std::optional<std::int64_t>> parse_quota(const std::string& text) {
  if (text.empty() || text == "none") return std::nullopt;
  auto size = parse_size(text);
  if (!size || *size < 0) return fail(Errc::invalid, "'" + text + "' is not a size; write \"1 GiB\", or \"none\"");
  return *size;
}

// "50", or "none".
Result<json::value> parse_count(const std::string& text) {
  if (text == "none") return json::value(nullptr);
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Errc::invalid, "'" + text + "' is not a number, nor \"none\"");
  return json::value(count);
}

}  // namespace

int domain_add(const Common& common, const std::string& domain, bool dkim) {
  const auto answer = ask(common, {{"command", "domain.add"}, {"domain", domain}, {"dkim", dkim}});
  return done(common, answer, "added domain " + domain + (dkim ? "; its DNS records: posthorn domain dns " + domain : ""));
}

int domain_list(const Common& common) {
  const auto answer = ask(common, {{"command", "domain.list"}});
  if (!answer) return kFailed;
  if (!common.json)
    for (const auto& domain : list_of(*answer, "domains")) say(domain.as_string());
  return kDone;
}

int domain_remove(const Common& common, const std::string& domain) {
  return done(common, ask(common, {{"command", "domain.remove"}, {"domain", domain}}), "removed domain " + domain);
}

int account_add(const Common& common, const std::string& address, const std::string& password_file, const std::string& quota) {
  const auto bytes = parse_quota(quota);
  if (!bytes) return say_failed(bytes.error());
  // A file may be root's; who is asked for it is spared that where it could not be used.
  auto password = password_file.empty() ? Result<std::string>() : read_password(password_file);
  if (!password) return say_failed(password.error());
  const auto link = open_link(common);
  if (!link) return kFailed;
  if (password_file.empty()) password = read_password(password_file);
  if (!password) return say_failed(password.error());
  json::object account{{"address", address}, {"password", *password}};
  if (*bytes) account["quota"] = **bytes;
  const auto answer = ask(*link, common, {{"command", "account.add"}, {"accounts", json::array{account}}});
  if (!answer) return say_failed(answer.error());
  const auto& results = list_of(*answer, "results");
  if (results.empty() || !results.front().is_object()) return say_failed({Errc::syntax, "the answer cannot be read"});
  const auto& result = results.front().get_object();
  const auto error = text_of(result, "error");
  if (!error.empty()) return say_failed({Errc::invalid, error});
  if (!common.json) say("added account " + text_of(result, "address"));
  return kDone;
}

int account_list(const Common& common, const std::string& domain, bool usage) {
  json::object request{{"command", "account.list"}, {"usage", usage}};
  if (!domain.empty()) request["domain"] = domain;
  const auto answer = ask(common, request);
  if (!answer) return kFailed;
  if (common.json) return kDone;
  for (const auto& value : list_of(*answer, "accounts")) {
    const auto& account = value.as_object();
    auto line = text_of(account, "address");
    if (usage) {
      const bool limited = account.contains("quota") && !account.at("quota").is_null();
      line = columns(line, 40, std::to_string(number_of(account, "messages")) + " messages");
      line = columns(line, 60, mebibytes(number_of(account, "bytes")));
      line = columns(line, 74, limited ? "of " + size_text(number_of(account, "quota")) : "no quota");
    }
    say(line);
  }
  return kDone;
}

int account_remove(const Common& common, const std::string& address) {
  const auto answer = ask(common, {{"command", "account.remove"}, {"address", address}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  say("removed account " + address + " and its mail");
  for (const auto& alias : list_of(*answer, "aliases_left")) say("note: alias " + std::string(alias.as_string()) + " still names it");
  return kDone;
}

int account_password(const Common& common, const std::string& address, const std::string& password_file) {
  // A file may be root's; who is asked for it is spared that where it could not be used.
  auto password = password_file.empty() ? Result<std::string>() : read_password(password_file);
  if (!password) return say_failed(password.error());
  const auto link = open_link(common);
  if (!link) return kFailed;
  if (password_file.empty()) password = read_password(password_file);
  if (!password) return say_failed(password.error());
  const auto answer =
      ask(*link, common, {{"command", "account.password"}, {"address", address}, {"password", *password}});
  if (!answer) return say_failed(answer.error());
  if (!common.json) say("changed the password of " + address);
  return kDone;
}

int account_quota(const Common& common, const std::string& address, const std::string& quota, const Counts& limits) {
  const auto bytes = parse_quota(quota);
  if (!bytes) return say_failed(bytes.error());
  json::object request{{"command", "account.quota"}, {"address", address}};
  if (*bytes) request["quota"] = **bytes;
  for (const auto& [name, text] : {std::pair("messages", limits.messages), std::pair("mailboxes", limits.mailboxes)}) {
    if (!text) continue;
    auto count = parse_count(*text);
    if (!count) return say_failed(count.error());
    request[name] = *std::move(count);
  }
  return done(common, ask(common, std::move(request)),
              "changed the quota of " + address + " to " + (*bytes ? size_text(**bytes) : "none"));
}

int alias_add(const Common& common, const std::string& address, const std::vector<std::string>& targets) {
  json::array to;
  for (const auto& target : targets) to.emplace_back(target);
  const auto answer = ask(common, {{"command", "alias.add"}, {"address", address}, {"targets", std::move(to)}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  say("added alias " + address);
  for (const auto& target : list_of(*answer, "outside"))
    say("note: " + std::string(target.as_string()) + " is in no domain of this server: mail for it is sent on");
  return kDone;
}

int alias_list(const Common& common, const std::string& domain) {
  json::object request{{"command", "alias.list"}};
  if (!domain.empty()) request["domain"] = domain;
  const auto answer = ask(common, request);
  if (!answer) return kFailed;
  if (common.json) return kDone;
  for (const auto& value : list_of(*answer, "aliases")) {
    std::string line = text_of(value.as_object(), "address") + " ->";
    for (const auto& target : list_of(value.as_object(), "targets")) line += ' ' + std::string(target.as_string());
    say(line);
  }
  return kDone;
}

int alias_remove(const Common& common, const std::string& address) {
  return done(common, ask(common, {{"command", "alias.remove"}, {"address", address}}), "removed alias " + address);
}

int status(const Common& common, bool all) {
  const auto link = open_link(common);
  if (!link) return kFailed;
  const auto answer = ask(*link, common, {{"command", "status"}});
  if (!answer) {
    say_failed(answer.error());
    return answer.error().code == Errc::closed ? kNotRunning : kFailed;
  }
  if (common.json) return kDone;
  const auto& s = *answer;
  const auto line = [](std::string_view left, const std::string& right) { say(columns(left, 16, right)); };
  line("version", text_of(s, "version"));
  line("hostname", text_of(s, "hostname"));
  line("process", std::to_string(number_of(s, "process")));
  line("uptime", uptime(number_of(s, "uptime_seconds")));
  for (const auto& listener : list_of(s, "listeners")) line("listener", std::string(listener.as_string()));
  const auto* metrics_value = s.if_contains("metrics");
  static const json::object none;
  const auto& metrics = metrics_value && metrics_value->is_object() ? metrics_value->get_object() : none;
  std::string connections;
  for (const std::string protocol : {"smtp", "submission", "lmtp", "imap", "pop3"})
    connections += (connections.empty() ? "" : "  ") + protocol + ' ' + std::to_string(number_of(metrics, "connections." + protocol));
  line("connections", connections);
  line("messages", std::to_string(number_of(metrics, "store.messages_stored")) + " stored since the start");
  line("commits", rate(s, "commits_per_second") + "/s now, " + rate(s, "commits_per_second_10") + "/s over ten seconds, " +
                      std::to_string(number_of(s, "commits")) + " in all");
  line("syncs", rate(s, "syncs_per_second") + "/s now, " + rate(s, "syncs_per_second_10") + "/s over ten seconds, " +
                    std::to_string(number_of(s, "syncs")) + " in all");
  line("caches", "blocks " + mebibytes(number_of(s, "cache_bytes")) + "  views " + mebibytes(number_of(s, "view_bytes")) + " (" +
                     std::to_string(number_of(s, "views_cached")) + ")  accounts " +
                     std::to_string(number_of(s, "accounts_cached")) + "  directory " +
                     mebibytes(number_of(metrics, "auth.directory_cache_bytes")));
  if (!all) return kDone;
  say("");
  for (const auto& [name, value] : metrics) say(columns(name, 34, std::to_string(value.to_number<std::int64_t>())));
  return kDone;
}

int store_check(const Common& common) {
  const auto answer = ask(common, {{"command", "store.check"}});
  if (!answer) return kFailed;
  const auto& problems = list_of(*answer, "problems");
  if (!common.json) {
    for (const auto& problem : problems) say(problem.as_string());
    say("checked " + std::to_string(number_of(*answer, "accounts")) + " accounts, " +
        std::to_string(number_of(*answer, "mailboxes")) + " mailboxes, " + std::to_string(number_of(*answer, "entries")) +
        " entries, " + std::to_string(number_of(*answer, "messages")) + " messages, " +
        std::to_string(number_of(*answer, "blobs")) + " blobs: " +
        (problems.empty() ? "no problem" : std::to_string(problems.size()) + " problems"));
  }
  return problems.empty() ? kDone : kProblemsFound;
}

}  // namespace posthorn
