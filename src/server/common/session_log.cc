#include "server/common/session_log.h"

#include <chrono>
#include <string>

#include "base/clock.h"

namespace posthorn::server::session_log {
namespace {

std::string event(std::string_view name, std::string_view what) { return std::string(name).append(".").append(what); }

}  // namespace

void connected(const SessionContext& context, std::string_view name) {
  log::info(event(name, "connected"), {{"session", context.session_id},
                                       {"protocol", config::to_string(context.rules.protocol)},
                                       {"peer", context.connection.peer().text()}});
}

void signed_in(const SessionContext& context, std::string_view name, std::string_view user, AccountId account, std::string_view mechanism) {
  log::info(event(name, "signed_in"), {{"session", context.session_id},
                                       {"user", user},
                                       {"account", account},
                                       {"peer", context.connection.peer().text()},
                                       {"mechanism", mechanism},
                                       {"tls", context.connection.tls_version()}});
}

void sign_in_refused(const SessionContext& context, std::string_view name, std::string_view user, std::string_view mechanism, const Error& why) {
  log::info(event(name, "sign_in_refused"), {{"session", context.session_id},
                                             {"user", user},
                                             {"peer", context.connection.peer().text()},
                                             {"mechanism", mechanism},
                                             {"class", to_string(why.code)}});
}

void closed(const SessionContext& context, std::string_view name, const End& end) {
  const auto peer = context.connection.peer().text();
  const auto ms = (steady_now() - context.began).count();
  if (!end.figure) {
    log::info(event(name, "closed"), {{"session", context.session_id}, {"reason", end.reason}, {"user", end.user}, {"peer", peer},
                                      {"commands", end.commands}, {"ms", ms}});
    return;
  }
  log::info(event(name, "closed"), {{"session", context.session_id}, {"reason", end.reason}, {"user", end.user}, {"peer", peer},
                                    {"commands", end.commands}, {"ms", ms}, *end.figure});
}

}  // namespace posthorn::server::session_log
