// What a set-up is to make, as texts.
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "auth/local_address.h"
#include "proto/smtp/address.h"
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

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
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
  plan.unit_text = kUnitFile;
  replace_all(plan.unit_text, "/usr/bin/posthorn", program_path());
  if (!root.empty())
    for (const std::string path : {"/etc/posthorn/posthorn.toml", "/var/lib/posthorn", "/var/spool/posthorn"})
      replace_all(plan.unit_text, path, root + path);
  return plan;
}

}  // namespace posthorn
