// What the dispatcher must know of every command.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/smap/session.h"

namespace posthorn::smap {

enum RuleFlag : std::uint8_t {
  kNeedsFolder = 1,  // a folder is open, and its user may read it
  kKeepsBatch = 2,   // goes on with the batch of ADD
};

struct Rule {
  std::string_view verb;
  std::uint8_t states = 0;  // State bits it is allowed in
  std::uint8_t flags = 0;   // RuleFlag bits
  Session::Outcome (Session::*handler)(Words&) = nullptr;
};

// In any case.  Null: there is no such command.
const Rule* find_rule(std::string_view verb);

}  // namespace posthorn::smap
