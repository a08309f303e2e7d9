// What the dispatcher must know of every command.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/imap/session.h"

namespace posthorn::imap {

enum RuleFlag : std::uint8_t {
  kKeepsExpunged = 1,  // [RFC3501 7.4.1] no EXPUNGE may be told while it runs, but behind most UID forms [RFC3501 6.4.8]
  kRefreshes = 2,      // reads the mailbox: the newest state is told first
  kWrites = 4,         // not in a mailbox opened by EXAMINE
};

struct Rule {
  std::size_t command = 0;  // index in AnyCommand
  std::string_view verb;
  std::uint8_t states = 0;  // State bits it is allowed in
  std::uint8_t flags = 0;   // RuleFlag bits
  std::string_view capability;  // when this one is switched off, so is the command; empty: it is in IMAP4rev1
  Task<Result<Reply>> (Session::*handler)(Command&) = nullptr;
};

const Rule& find_rule(const AnyCommand&);

}  // namespace posthorn::imap
