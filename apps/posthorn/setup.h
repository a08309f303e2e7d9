// posthorn setup: from an address to a server that can be started.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "commands.h"
#include "config/config.h"

namespace posthorn {

struct SetupOptions {
  std::string address, hostname, root, password_file;
  std::vector<std::string> settings;  // lines for a new configuration, as 'dns.servers="192.0.2.1"'
  std::vector<std::string> probes;  // "host:port" instead of well-known mail servers
  bool dry_run = false, no_systemd = false, no_network = false;
};
int setup(const Common&, const SetupOptions&);

// What is to be made, and where.
struct SetupPlan {
  std::string address, domain, hostname;
  std::string config_file, data_dir, unit_file;
  std::string spool;  // empty: the server makes one in data_dir
  std::string config_text, unit_text;
  bool own_user = false;  // the system's own user `posthorn`: not below a root of its own
};
// Without the unit.  Errors: invalid: what was given cannot be.  Changes nothing.
Result<SetupPlan> plan_setup(const SetupOptions&);
// What a configuration says, which may have been there before, goes before what was planned; then the unit.  REQUIRES: its settings are in
// effect.
void follow_configuration(SetupPlan&, const config::Config&);
// Errors: invalid: the service could not reach something, as the unit shuts it in.
Result<void> check_unit(const SetupPlan&);

// setup_checks.cc
struct SetupCheck {
  bool good = false;
  std::string text;
};
// DNS, the host's name, port 25 outward, where mail goes now.  Nothing of it stops anything.  Takes half a minute at most.
std::vector<SetupCheck> check_surroundings(const config::Config&, const SetupPlan&, const std::vector<std::string>& probes);

// setup_system.cc: what is there already stays as it is.  True: it was made.
struct Owner {
  unsigned user = 0, group = 0;
};
Result<Owner> ensure_user(const std::string& name);
Result<bool> ensure_directory(const std::string& path, unsigned mode, const Owner* owner);
Result<bool> ensure_file(const std::string& path, const std::string& text, unsigned mode, const Owner* owner);  // the group only
// root is, while it lives, the user to whom a directory belongs: what is in there is that one's, links and all, and root follows none of
// them.  For the whole process.
class AsOwnerOf {
 public:
  explicit AsOwnerOf(const std::string& directory);
  ~AsOwnerOf();
  AsOwnerOf(const AsOwnerOf&) = delete;

 private:
  bool changed_ = false;
};
// Addresses to listen on that another program has, as far as we may try.
std::vector<std::string> taken_addresses(const config::Config&);
// The exit status of a program; its output goes to ours.
Result<int> run_program(const std::vector<std::string>& words);

}  // namespace posthorn
