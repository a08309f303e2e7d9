// Whether a domain's SPF record does what it should. [RFC7208]
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "check/finding.h"
#include "check/world.h"

namespace posthorn::check {

struct SpfTerm {
  char qualifier = '+';
  std::string name;   // "ip4", "include" ... in lower case
  std::string value;  // behind ":" or "/"; may be empty
};
struct SpfRecord {
  std::vector<SpfTerm> terms;  // mechanisms; at most 200
  std::optional<std::string> redirect;
  const SpfTerm* all() const;  // nullptr: there is none
};

bool is_spf(std::string_view text);  // [RFC7208 4.5]
// [RFC7208 4.6.1, 12] Names of mechanisms, addresses and networks are checked, macros are not expanded.  Errc::syntax with the term.
Result<SpfRecord> parse_spf(std::string_view);

// What a receiver would have to ask the DNS for, includes and redirects followed; what depends on the message (macros) is counted and not
// asked.
struct SpfCost {
  int look_ups = 0;                   // [RFC7208 4.6.4] at most 10
  std::vector<std::string> voids;     // names that lead nowhere: receivers stop after two [RFC7208 4.6.4]
  bool too_slow = false;              // [RFC7208 4.6.4] not counted to the end: receivers give up, too
  std::string trouble;                // an include or a redirect that leads nowhere, or is damaged
  static constexpr int kEnough = 30;  // nobody counts on from here
};

// Pure: of the texts at the domain, with what the look-ups came to.
Findings judge_spf(const std::vector<std::string>& texts, const SpfCost&);

Task<Findings> check_spf(World&, dns::Name domain);

}  // namespace posthorn::check
