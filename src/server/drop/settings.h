// What an operator may say about mail of programs on this machine.
#pragma once

#include <string>

#include "base/settings.h"
#include "proto/smtp/address.h"

namespace posthorn::drop {

inline const Setting<std::string> kDropDirectory{"sendmail.directory", "",
                                                 "Where programs on this machine leave mail (`posthorn sendmail`); empty: drop in "
                                                 "data_dir, where other users than the server's cannot reach it "
                                                 "(read at the start)."};
inline const Setting<std::string> kTrustedUsers{"sendmail.trusted_users", "",
                                                "Users of this machine, with spaces between, who may send as anybody with `sendmail -f`; "
                                                "\"*\": all. root and the server's own user may; others send as "
                                                "themselves."};
inline constexpr TextForm kOriginForm{[](std::string_view text) -> Result<void> {
                                        if (text.empty() || smtp::is_domain(text)) return {};
                                        return fail(Errc::invalid, "'" + std::string(text.substr(0, 100)) + "' is no domain");
                                      },
                                      "a domain"};
inline const Setting<std::string> kOrigin{
    "sendmail.origin", "", kOriginForm,
    "The domain of addresses that have none, such as \"root\". Empty: the host name if that is a domain of ours, else our first domain."};

}  // namespace posthorn::drop
