// The sub-commands: each answers with the exit code of the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace posthorn {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kNotRunning = 3, kProblemsFound = 4 };

struct Common {
  std::string config = "/etc/posthorn/posthorn.toml";
  bool json = false;  // print the answer as it is
};

// serve.cc
int serve(const Common&, const std::string& version);
int check_config(const Common&, const std::string& settings);

// commands.cc
int domain_add(const Common&, const std::string& domain, bool dkim);
int domain_list(const Common&);
int domain_remove(const Common&, const std::string& domain);
int account_add(const Common&, const std::string& address, const std::string& password_file, const std::string& quota);
int account_list(const Common&, const std::string& domain, bool usage);
int account_remove(const Common&, const std::string& address);
int account_password(const Common&, const std::string& address, const std::string& password_file);
struct Counts {
  std::optional<std::string> messages, mailboxes;  // a number, or "none"
};
int account_quota(const Common&, const std::string& address, const std::string& quota, const Counts& limits);
// account_commands.cc
int account_show(const Common&, const std::string& address);
// Each "NAME=VALUE"; without a value the server's counts again.
int account_set(const Common&, const std::string& address, const std::vector<std::string>& settings);
int account_apop(const Common&, const std::string& address, const std::string& password_file, bool off);
// commands.cc
int alias_add(const Common&, const std::string& address, const std::vector<std::string>& targets);
int alias_list(const Common&, const std::string& domain);
int alias_remove(const Common&, const std::string& address);
int status(const Common&, bool all);
int store_check(const Common&);
// serve.cc: for commands that reach the store through another process of this program (app/local_store.h).
int hold_store(const Common&);

// dns_commands.cc
int domain_dns(const Common&, const std::string& domain);
int dns_check(const Common&, const std::string& domain);

// dkim_commands.cc
int dkim_list(const Common&, const std::string& domain);
int dkim_rotate(const Common&, const std::string& domain, bool activate);
int dkim_activate(const Common&, const std::string& domain);
int dkim_remove(const Common&, const std::string& domain, const std::string& selector);

// queue_commands.cc
struct QueueSelection {
  std::vector<std::string> ids;
  std::string sender, recipient, domain, older_than, younger_than;
  bool held = false, not_held = false, all = false;
};
int queue_list(const Common&, const QueueSelection&, bool recipients);
int queue_show(const Common&, const std::string& id);
// retry, hold, release, delete or bounce
int queue_act(const Common&, const std::string& verb, const QueueSelection&);

// trace_commands.cc
// `what`: the id of a message, or an address, of which at most `limit` messages are shown.
int trace(const Common&, const std::string& what, int limit);

// import.cc
int account_import(const Common&, const std::string& file);

}  // namespace posthorn
