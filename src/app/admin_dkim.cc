// DKIM keys of domains.  Only public halves leave: what is answered comes from auth::DkimKey, which has nothing else.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "app/admin_commands.h"
#include "base/clock.h"
#include "base/log.h"
#include "mailauth/dkim/key_record.h"
#include "text/date.h"
#include "text/idna.h"

namespace posthorn::app::commands {
namespace {

using auth::DkimKey;
using auth::DkimKeyState;
using crypto::KeyAlgorithm;

// "rsa-20261122-1043": when it was made, so that no name comes again, not even after a domain went and came back.
std::string selector_of(KeyAlgorithm algorithm, SysTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::minutes>(time - day));
  char text[48];
  std::snprintf(text, sizeof text, "-%04d%02u%02u-%02d%02d", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()));
  return std::string(name_of(algorithm)) + text;
}

std::string free_selector(KeyAlgorithm algorithm, const std::vector<DkimKey>& taken) {
  for (auto time = now();; time += std::chrono::minutes(1)) {
    auto selector = selector_of(algorithm, time);
    if (std::ranges::none_of(taken, [&](const DkimKey& key) { return key.selector == selector; })) return selector;
  }
}

// One of each algorithm, made on the pool for passwords: an RSA key takes its time.
Task<Result<std::vector<crypto::NamedKey>>> make_keys(Storage& storage, std::vector<KeyAlgorithm> algorithms, std::vector<DkimKey> taken) {
  std::vector<crypto::NamedKey> made;
  for (const auto algorithm : algorithms) {
    CO_TRY(auto key, co_await storage.hashers().run([algorithm] { return crypto::SigningKey::generate(algorithm); }));
    made.push_back({free_selector(algorithm, taken), std::make_shared<const crypto::SigningKey>(std::move(key))});
  }
  co_return made;
}

// Those that sign now; both where none does.
std::vector<KeyAlgorithm> algorithms_of(const std::vector<DkimKey>& keys) {
  std::vector<KeyAlgorithm> out;
  for (const auto algorithm : {KeyAlgorithm::rsa, KeyAlgorithm::ed25519})
    if (std::ranges::any_of(keys, [&](const DkimKey& k) { return k.state == DkimKeyState::active && k.algorithm == algorithm; }))
      out.push_back(algorithm);
  if (out.empty()) out = {KeyAlgorithm::rsa, KeyAlgorithm::ed25519};
  return out;
}

std::string date_text(SysTime time) { return text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(time)); }

json::object record_of(const DkimKey& key, const std::string& ascii_domain) {
  const auto name = mailauth::dkim::key_record_name(key.selector, ascii_domain);
  const auto value = mailauth::dkim::key_record(key.algorithm, key.public_key);
  return {{"name", name}, {"type", "TXT"}, {"value", value}, {"zone_line", mailauth::dkim::txt_zone_line(name, value)}};
}

std::string note_of(const DkimKey& key) {
  switch (key.state) {
    case DkimKeyState::next:
      return "waits: publish it, then activate it";
    case DkimKeyState::active:
      return "signs";
    case DkimKeyState::retired:
      return "retired: keep the record until " + date_text(*key.retired + auth::kDkimRetirement);
  }
  return {};
}

json::object show(const DkimKey& key, const std::string& ascii_domain) {
  json::object out{{"selector", key.selector},
                   {"algorithm", name_of(key.algorithm)},
                   {"state", name_of(key.state)},
                   {"created", date_text(key.created)}};
  if (key.activated) out["activated"] = date_text(*key.activated);
  if (key.retired) {
    out["retired"] = date_text(*key.retired);
    out["keep_record_until"] = date_text(*key.retired + auth::kDkimRetirement);
  }
  out["record"] = record_of(key, ascii_domain);
  return out;
}

Task<Answer> show_all(Storage& storage, std::string domain) {
  CO_TRY(const auto keys, co_await storage.directory().dkim_keys(domain));
  CO_TRY(const auto ascii, text::domain_to_ascii(domain));
  json::array shown;
  for (const auto& key : keys) shown.push_back(show(key, ascii));
  co_return json::object{{"domain", ascii}, {"keys", std::move(shown)}};
}

}  // namespace

Task<Result<std::vector<crypto::NamedKey>>> first_dkim_keys(Storage& storage) { return make_keys(storage, algorithms_of({}), {}); }

// What belongs into the DNS for a domain.
Task<Answer> domain_dns(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  CO_TRY(const auto keys, co_await request.storage.directory().dkim_keys(domain));
  CO_TRY(const auto ascii, text::domain_to_ascii(domain));
  json::array records;
  for (const auto& key : keys) {
    auto record = record_of(key, ascii);
    record["purpose"] = "DKIM";
    record["note"] = note_of(key);
    records.push_back(std::move(record));
  }
  co_return json::object{{"domain", ascii}, {"records", std::move(records)}};
}

Task<Answer> dkim_list(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  co_return co_await show_all(request.storage, domain);
}

Task<Answer> dkim_rotate(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  auto& directory = request.storage.directory();
  CO_TRY(const auto present, co_await directory.dkim_keys(domain));
  CO_TRY_OK(text::domain_to_ascii(domain));
  if (std::ranges::any_of(present, [](const DkimKey& k) { return k.state == DkimKeyState::next; }))
    co_return fail(Errc::exists, "keys of " + domain + " wait already: activate them, or remove them");
  auto algorithms = algorithms_of(present);
  CO_TRY(auto made, co_await make_keys(request.storage, std::move(algorithms), present));
  std::string selectors;
  for (const auto& key : made) selectors += (selectors.empty() ? "" : " ") + key.name;
  CO_TRY_OK(co_await directory.add_dkim_keys(domain, std::move(made)));
  log::info("admin.dkim_keys_made", {{"domain", domain}, {"selectors", selectors}});
  // In another commit: cut short in between, the keys wait, and `activate` goes on.
  const bool waits = std::ranges::any_of(present, [](const DkimKey& k) { return k.state == DkimKeyState::active; });
  if (waits && request.flag("activate")) co_return co_await dkim_activate(request);
  co_return co_await show_all(request.storage, domain);
}

Task<Answer> dkim_activate(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  CO_TRY_OK(co_await request.storage.directory().activate_dkim_keys(domain));
  log::info("admin.dkim_keys_activated", {{"domain", domain}});
  co_return co_await show_all(request.storage, domain);
}

Task<Answer> dkim_remove(const Request& request) {
  CO_TRY(const auto domain, request.text("domain"));
  CO_TRY(const auto selector, request.text("selector"));
  CO_TRY_OK(co_await request.storage.directory().remove_dkim_key(domain, selector));
  log::info("admin.dkim_key_removed", {{"domain", domain}, {"selector", selector}});
  co_return co_await show_all(request.storage, domain);
}

}  // namespace posthorn::app::commands
