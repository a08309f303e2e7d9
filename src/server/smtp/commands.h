// The command table: what the dispatcher must know of each command.
#pragma once

#include "server/smtp/session.h"

namespace posthorn::server {

struct SmtpSession::Entry {
  std::string_view verb;
  std::uint8_t states;  // where it is allowed, as bits of `in()`
  Task<> (SmtpSession::*handler)(smtp::Command&);
};

}  // namespace posthorn::server
