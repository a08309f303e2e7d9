#include "setup.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/data_dir.h"
#include "app/own_addresses.h"
#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "dns_output.h"
#include "output.h"
#include "password_input.h"

namespace posthorn {
namespace {

namespace json = boost::json;

constexpr const char* kUser = "posthorn";

void step(bool made, const std::string& what) { say(columns(made ? "made" : "kept", 8, what)); }

// 100 random bits, without letters that look like others.
std::string new_password() {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string out;
  for (int group = 0; group < 4; ++group) {
    if (group > 0) out += '-';
    auto bits = crypto::random_u64();
    for (int i = 0; i < 5; ++i, bits >>= 5) out += letters[bits & 31];
  }
  return out;
}

// True: made; false: it was there.
Result<bool> add(app::AdminLink& link, const json::object& request) {
  TRY(const auto text, link.ask(json::serialize(request)));
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail(Errc::syntax, "the answer cannot be read");
  const json::object* answer = &value.get_object();
  if (const auto& results = list_of(*answer, "results"); !results.empty() && results.front().is_object())
    answer = &results.front().get_object();
  if (flag_of(*answer, "ok")) return true;
  if (text_of(*answer, "code") == "exists") return false;
  return fail(Errc::invalid, text_of(*answer, "error"));
}

struct Made {
  bool account = false;
  std::string password;
  std::vector<app::DnsRecord> records;
};

// Domain with keys, account, and the addresses that every domain has to have [RFC5321 4.5.1] [RFC2142 5].
// What was made before it failed stands in `out`, too.
Result<void> fill_store(const Common& common, const config::Config& config, const SetupPlan& plan, const SetupOptions& options, Made& out) {
  if (options.password_file.empty()) out.password = new_password();
  else {
    TRY(out.password, read_password(options.password_file));
  }
  TRY(const auto link, app::AdminLink::open(config));
  TRY(const bool domain, add(*link, {{"command", "domain.add"}, {"domain", plan.domain}}));
  if (!common.json) step(domain, "domain " + plan.domain + (domain ? ", with DKIM keys" : ""));
  const json::object account{{"address", plan.address}, {"password", out.password}};
  TRY(out.account, add(*link, {{"command", "account.add"}, {"accounts", json::array{account}}}));
  if (!common.json) step(out.account, "account " + plan.address + (out.account ? "" : ", with the password it has"));
  for (const std::string name : {"postmaster", "abuse", "root"}) {
    const auto address = name + '@' + plan.domain;
    if (address == plan.address) continue;
    TRY(const bool alias,
        add(*link, {{"command", "alias.add"}, {"address", address}, {"targets", json::array{json::value(plan.address)}}}));
    if (!common.json) step(alias, "alias " + address);
  }
  TRY(out.records, records_of_domain(*link, config, plan.domain));
  return {};
}

std::string own_addresses() {
  const config::Listener v4{.address = {.host = "0.0.0.0", .port = 25}}, v6{.address = {.host = "::", .port = 25}};
  std::string out;
  for (const auto& address : app::own_mail_addresses({v4, v6}, 25)) {
    const auto text = address.text();
    if (!text.starts_with("127.") && text != "::1" && !text.starts_with("fe80")) out += ' ' + text;
  }
  return out;
}

void say_checks(const std::vector<SetupCheck>& checks) {
  for (const auto& check : checks) say(columns(check.good ? "ok" : "warning", 8, check.text));
}

void say_what_to_do(const SetupPlan& plan, const config::Config& config, const Made& made, const SetupOptions& options) {
  say("");
  say("; --- DNS records to publish (again: posthorn domain dns " + plan.domain + "; whether they are there: posthorn dns check " +
      plan.domain + ")");
  say("; " + plan.hostname +
      " needs an A record, and an AAAA record if it has IPv6, with the address of this machine. Here are:" + own_addresses());
  say_records(config, made.records);
  say("");
  say("Mail programs:");
  const auto line = [](const char* what, const std::string& how) { say("  " + columns(what, 12, how)); };
  line("incoming", "IMAP, " + plan.hostname + ", port 993, TLS");
  line("outgoing", "SMTP, " + plan.hostname + ", port 465, TLS");
  line("user", plan.address);
  if (made.account && options.password_file.empty()) line("password", made.password + "   (shown only this once)");
}

Result<void> make_system(const SetupPlan& plan, const SetupOptions& options, const Common& common, std::optional<Owner>& owner) {
  if (plan.own_user) {
    TRY(owner, ensure_user(kUser));
  }
  const Owner* to = owner ? &*owner : nullptr;
  const auto tell = [&](bool made, const std::string& what) {
    if (!common.json) step(made, what);
  };
  TRY(const bool config, ensure_file(plan.config_file, plan.config_text, 0640, to));
  tell(config, plan.config_file);
  TRY(const bool data, ensure_directory(plan.data_dir, 0700, to));
  tell(data, plan.data_dir);
  if (!plan.spool.empty()) {
    TRY(const bool spool, ensure_directory(plan.spool, 03733, to));
    tell(spool, plan.spool);
  }
  if (options.no_systemd) return {};
  TRY(const bool unit, ensure_file(plan.unit_file, plan.unit_text, 0644, nullptr));
  tell(unit, plan.unit_file);
  return {};
}

Result<void> start_service() {
  if (!std::filesystem::exists("/run/systemd/system")) {
    say("systemd does not run here: start the server with `posthorn serve`");
    return {};
  }
  TRY(const int reloaded, run_program({"systemctl", "daemon-reload"}));
  TRY(const int enabled, run_program({"systemctl", "enable", "--now", "posthorn.service"}));
  if (reloaded != 0 || enabled != 0) return fail(Errc::io, "systemctl did not start the service; see `systemctl status posthorn`");
  // It may have found a port taken, or a file that it cannot read.
  std::this_thread::sleep_for(std::chrono::seconds(3));
  TRY(const int active, run_program({"systemctl", "--quiet", "is-active", "posthorn.service"}));
  if (active != 0) return fail(Errc::io, "the service does not stay up; why: journalctl -u posthorn");
  say("the service posthorn runs");
  return {};
}

int show_plan(const SetupPlan& plan, const SetupOptions& options, const std::vector<SetupCheck>& checks) {
  say_checks(checks);
  const auto show = [](const std::string& path, const std::string& text) {
    say("");
    say((std::filesystem::exists(path) ? "# would stay as it is: " : "# would be made: ") + path);
    std::fputs(text.c_str(), stdout);
  };
  show(plan.config_file, plan.config_text);
  if (!options.no_systemd) show(plan.unit_file, plan.unit_text);
  say("");
  say("# and: " + plan.data_dir + (plan.spool.empty() ? "" : ", " + plan.spool) + ", domain " + plan.domain + " with DKIM keys, account " + plan.address +
      ", aliases postmaster, abuse and root");
  return kDone;
}

// The configuration that is there, or the one that would be made.
std::optional<config::Config> configuration(const SetupPlan& plan) {
  auto loaded = std::filesystem::exists(plan.config_file) ? config::load_file(plan.config_file)
                                                          : config::load_text(plan.config_text, "the new configuration");
  std::fputs(config::to_text(loaded).c_str(), stderr);
  if (loaded.config) config::apply(*loaded.config);
  return std::move(loaded.config);
}

}  // namespace

int setup(const Common& common, const SetupOptions& options) {
  auto plan = plan_setup(options);
  if (!plan) return say_failed(plan.error()), kUsage;
  if (plan->own_user && ::geteuid() != 0 && !options.dry_run)
    return say_failed(
        {Errc::denied, "setting up this machine needs root; --root DIR makes everything below a directory, --dry-run changes nothing"});
  auto config = configuration(*plan);
  if (!config) return kFailed;
  follow_configuration(*plan, *config);
  if (plan->own_user && !options.no_systemd)
    if (const auto good = check_unit(*plan); !good) return say_failed(good.error());
  if (log::kLevel.get() < log::Level::warning) log::set_level(log::Level::warning);
  auto checks = options.no_network ? std::vector<SetupCheck>{} : check_surroundings(*config, *plan, options.probes);
  // Ours may be the one that listens there.
  if (!std::filesystem::exists(app::control_path(plan->data_dir)))
    for (const auto& address : taken_addresses(*config))
      checks.push_back({false, address + " is taken by another program: stop and disable the other mail server, or change [[listen]]"});
  if (options.dry_run) return show_plan(*plan, options, checks);
  if (!common.json) say_checks(checks);

  std::optional<Owner> owner;
  if (const auto made = make_system(*plan, options, common, owner); !made) return say_failed(made.error());
  if (config->tls.self_signed()) {
    const AsOwnerOf owner_of_data(plan->data_dir);
    const auto certificate =
        crypto::ensure_self_signed(app::certificate_path(plan->data_dir), app::key_path(plan->data_dir), plan->hostname);
    if (!certificate) return say_failed(certificate.error());
  }
  Made made;
  const auto filled = fill_store(common, *config, *plan, options, made);
  if (!filled) {
    // Nobody else knows it.
    if (made.account && options.password_file.empty()) say("the password of " + plan->address + " is " + made.password);
    return say_failed(filled.error());
  }
  if (common.json) {
    json::array warnings;
    for (const auto& check : checks)
      if (!check.good) warnings.emplace_back(check.text);
    json::object out{{"ok", true},
                     {"address", plan->address},
                     {"hostname", plan->hostname},
                     {"config", plan->config_file},
                     {"data_dir", plan->data_dir},
                     {"account_made", made.account},
                     {"warnings", std::move(warnings)}};
    if (made.account && options.password_file.empty()) out["password"] = made.password;
    say(json::serialize(out));
  } else {
    say_what_to_do(*plan, *config, made, options);
  }
  if (options.no_systemd || !plan->own_user) return kDone;
  const auto started = start_service();
  return started ? int{kDone} : say_failed(started.error());
}

}  // namespace posthorn
