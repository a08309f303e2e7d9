// Errors in POP3's words.
#pragma once

#include <string_view>

#include "base/result.h"

namespace posthorn::pop3 {

// What follows "-ERR ", with the response code where there is a fitting one. [RFC2449 8] [RFC3206]
std::string_view reply_for(Errc);

}  // namespace posthorn::pop3
