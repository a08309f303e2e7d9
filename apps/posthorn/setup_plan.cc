// What a set-up is to make, as texts.
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "auth/local_address.h"
#include "proto/smtp/address.h"
#include "server/drop/settings.h"
#include "setup.h"
#include "text/ascii.h"
#include "text/idna.h"
#include "unit_file.h"

namespace posthorn {
namespace {

// The system's own name when it is a full one.
std::string own_hostname(const std::string& domain) {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "mail." + domain;
  const auto own = text::to_lower(name.data());
  const bool full =
      own.find('.') != own.npos && !own.starts_with("localhost") && !own.ends_with(".localdomain") && !own.ends_with(".local");
  return full && smtp::is_domain(own) ? own : "mail." + domain;
}

// REQUIRES: it is there; the unit is part of this program.
void replace(std::string& text, std::string_view from, const std::string& to) {
  const auto at = text.find(from);
  CHECK(at != text.npos);
  text.replace(at, from.size(), to);
}

// As systemd reads it: no specifiers, and one word.
std::string unit_word(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '%') out += '%';
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return path.find_first_of(" \t\"\\'") == path.npos ? out : '"' + out + '"';
}

std::string program_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "/usr/bin/posthorn" : path.string();
}

std::string config_text(const SetupPlan& plan, const std::vector<std::string>& settings) {
  std::string out =
      "# Made by `posthorn setup`.  Every other setting, with its default: posthorn check-config --settings\n\n"
      "# The full name of this machine, as its MX record and its certificate have it.\n"
      "hostname = \"" +
      plan.hostname +
      "\"\n\n"
      "# Where all mail and accounts are kept.\n"
      "data_dir = \"" +
      plan.data_dir +
      "\"\n\n"
      "# Where programs on this machine leave mail.\n"
      "sendmail.directory = \"" +
      plan.spool + "\"\n\n";
  for (const auto& line : settings) out += line + '\n';
  if (!settings.empty()) out += '\n';
  return out +
         "# A certificate that mail programs trust; without it a self-signed one is made in data_dir.\n"
         "#[tls]\n"
         "#certificate = \"/etc/posthorn/cert.pem\"\n"
         "#key = \"/etc/posthorn/key.pem\"\n";
}

}  // namespace

Result<SetupPlan> plan_setup(const SetupOptions& options) {
  SetupPlan plan;
  TRY(const auto name, auth::normal_address(options.address));
  TRY(const auto ascii, text::domain_to_ascii(name.domain));
  plan.address = name.text();
  plan.domain = name.domain;
  plan.hostname = options.hostname.empty() ? own_hostname(ascii) : text::to_lower(options.hostname);
  if (!smtp::is_domain(plan.hostname) || plan.hostname.find('.') == plan.hostname.npos)
    return fail(Errc::invalid, "'" + plan.hostname + "' is not a full host name; give one with --hostname");
  std::string root = options.root;
  while (root.ends_with('/')) root.pop_back();
  if (!root.empty() && !root.starts_with('/')) root = std::filesystem::absolute(root).lexically_normal().string();
  if (root.find_first_of("\"\\\n") != root.npos) return fail(Errc::invalid, "--root has a character that cannot be in the configuration");
  plan.own_user = root.empty();
  plan.config_file = root + "/etc/posthorn/posthorn.toml";
  plan.data_dir = root + "/var/lib/posthorn";
  plan.spool = root + "/var/spool/posthorn";
  plan.unit_file = root + "/etc/systemd/system/posthorn.service";
  plan.config_text = config_text(plan, options.settings);
  return plan;
}

void follow_configuration(SetupPlan& plan, const config::Config& config) {
  plan.data_dir = config.data_dir;
  plan.hostname = config.hostname;
  plan.spool = drop::kDropDirectory.get();
  plan.unit_text = kUnitFile;
  replace(plan.unit_text, "ExecStart=/usr/bin/posthorn serve --config /etc/posthorn/posthorn.toml",
          "ExecStart=" + unit_word(program_path()) + " serve --config " + unit_word(plan.config_file));
  replace(plan.unit_text, "ReadWritePaths=/var/lib/posthorn", "ReadWritePaths=" + unit_word(plan.data_dir));
  if (!plan.spool.empty()) replace(plan.unit_text, "ReadWritePaths=-/var/spool/posthorn", "ReadWritePaths=" + unit_word('-' + plan.spool));
}

Result<void> check_unit(const SetupPlan& plan) {
  for (const auto& [what, path] : {std::pair("the program", program_path()), std::pair("data_dir", plan.data_dir)})
    for (const std::string home : {"/home/", "/root/", "/run/user/"})  // ProtectHome
      if (path.starts_with(home))
        return fail(Errc::invalid, std::string(what) + " is " + path + ": the service sees nothing below " + home +
                                       "; move it (the program to /usr/bin, say), or give --no-systemd");
  return {};
}

}  // namespace posthorn
