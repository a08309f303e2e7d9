// Errors in POP3's words.
#pragma once

#include <string_view>

#include "base/result.h"
#include "proto/pop3/command.h"
#include "server/pop3/texts.h"

namespace posthorn::pop3 {

// What follows "-ERR ".
struct Reply {
  std::string_view code;  // with brackets; empty: none fits [RFC2449 8] [RFC3206]
  Text text;
};
Reply reply_for(Errc);
Text text_for(CommandError);

}  // namespace posthorn::pop3
