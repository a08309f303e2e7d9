// Which letter of Maildir is which flag of IMAP. [https://cr.yp.to/proto/maildir.html] [RFC3501 2.3.2]
#pragma once

#include <string_view>
#include <utility>

#include "proto/imap/flags.h"

namespace posthorn::mailfile {

inline constexpr std::pair<char, imap::SystemFlag> kFlagLetters[] = {{'D', imap::SystemFlag::draft},
                                                                     {'F', imap::SystemFlag::flagged},
                                                                     {'R', imap::SystemFlag::answered},
                                                                     {'S', imap::SystemFlag::seen},
                                                                     {'T', imap::SystemFlag::deleted}};
inline constexpr std::string_view kPassedOn = "$Forwarded";  // P, which is a keyword of IMAP

}  // namespace posthorn::mailfile
