// Private to admin*.cc: one function for each command.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "app/admin.h"
#include "app/storage.h"
#include "async/task.h"
#include "base/result.h"
#include "crypto/signing_key.h"

namespace posthorn::app::commands {

namespace json = boost::json;
using Answer = Result<json::object>;

struct Request {
  Storage& storage;
  const std::function<LiveStatus()>& live;
  const json::object& arguments;

  Result<std::string> text(std::string_view name) const;  // must be there
  Result<std::string> optional_text(std::string_view name) const;
  Result<std::optional<std::uint64_t>> optional_number(std::string_view name) const;  // none when absent or null
  Result<std::vector<std::string>> texts(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
};

std::string code_name(Errc);  // "not_found"
json::object usage_of(const store::Account&);  // as account.list shows it

// admin_directory.cc
Task<Answer> domain_add(const Request&);
Task<Answer> domain_list(const Request&);
Task<Answer> domain_remove(const Request&);
Task<Answer> alias_add(const Request&);
Task<Answer> alias_list(const Request&);
Task<Answer> alias_remove(const Request&);
// admin_dkim.cc
Task<Result<std::vector<crypto::NamedKey>>> first_dkim_keys(Storage&);  // RSA and Ed25519
Task<Answer> domain_dns(const Request&);
Task<Answer> dkim_list(const Request&);
Task<Answer> dkim_rotate(const Request&);
Task<Answer> dkim_activate(const Request&);
Task<Answer> dkim_remove(const Request&);
// admin_accounts.cc
Task<Answer> account_add(const Request&);
Task<Answer> account_list(const Request&);
Task<Answer> account_remove(const Request&);
Task<Answer> account_password(const Request&);
Task<Answer> account_quota(const Request&);
// admin_account_settings.cc
Task<Answer> account_show(const Request&);
Task<Answer> account_set(const Request&);
Task<Answer> account_apop(const Request&);
// admin_queue.cc
Task<Answer> queue_list(const Request&);
Task<Answer> queue_show(const Request&);
Task<Answer> queue_act(const Request&);
// admin_trace.cc
Task<Answer> trace_message(const Request&);
Task<Answer> trace_address(const Request&);
// admin_status.cc
Task<Answer> status(const Request&);
Task<Answer> store_check(const Request&);

}  // namespace posthorn::app::commands
