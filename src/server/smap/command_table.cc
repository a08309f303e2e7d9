#include "server/smap/command_table.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::smap {
namespace {

constexpr std::uint8_t kNew = static_cast<std::uint8_t>(State::not_authenticated);
constexpr std::uint8_t kSignedIn = static_cast<std::uint8_t>(State::authenticated);

constexpr Rule kRules[] = {
    // verb            allowed in        flags         handler
    {"CAPABILITY", kNew, 0, &Session::cmd_capability},
    {"STARTTLS", kNew, 0, &Session::cmd_starttls},
    {"LOGIN", kNew, 0, &Session::cmd_login},
    {"AUTHENTICATE", kNew, 0, &Session::cmd_authenticate},
    {"NOOP", kNew | kSignedIn, 0, &Session::cmd_noop},
    {"LOGOUT", kNew | kSignedIn, 0, &Session::cmd_logout},
    {"LIST", kSignedIn, 0, &Session::cmd_list},
    {"CREATE", kSignedIn, 0, &Session::cmd_create},
    {"MKDIR", kSignedIn, 0, &Session::cmd_mkdir},
    {"DELETE", kSignedIn, 0, &Session::cmd_delete},
    {"RMDIR", kSignedIn, 0, &Session::cmd_rmdir},
    {"RENAME", kSignedIn, 0, &Session::cmd_rename},
    {"STATUS", kSignedIn, 0, &Session::cmd_status},
    {"OPEN", kSignedIn, 0, &Session::cmd_open},
    {"SOPEN", kSignedIn, 0, &Session::cmd_sopen},
    {"CLOSE", kSignedIn, 0, &Session::cmd_close},
    {"IDLE", kSignedIn, 0, &Session::cmd_idle},
    {"FETCH", kSignedIn, kNeedsFolder, &Session::cmd_fetch},
    {"STORE", kSignedIn, kNeedsFolder, &Session::cmd_store},
    {"SEARCH", kSignedIn, kNeedsFolder, &Session::cmd_search},
    {"EXPUNGE", kSignedIn, kNeedsFolder, &Session::cmd_expunge},
    {"COPY", kSignedIn, kNeedsFolder, &Session::cmd_copy},
    {"MOVE", kSignedIn, kNeedsFolder, &Session::cmd_move},
    {"ADD", kSignedIn, kKeepsBatch, &Session::cmd_add},
    {"RSET", kSignedIn, 0, &Session::cmd_rset},
    {"ACL", kSignedIn, 0, &Session::cmd_acl},
    {"GETACL", kSignedIn, 0, &Session::cmd_getacl},
    {"SETACL", kSignedIn, 0, &Session::cmd_setacl},
    {"DELETEACL", kSignedIn, 0, &Session::cmd_deleteacl},
};

}  // namespace

const Rule* find_rule(std::string_view verb) {
  const auto* rule = std::ranges::find_if(kRules, [&](const Rule& r) { return text::iequals(r.verb, verb); });
  return rule == std::end(kRules) ? nullptr : rule;
}

}  // namespace posthorn::smap
