// Which servers a domain has, found as mail programs find them. [RFC6186] [RFC8314 5.1]
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "check/finding.h"
#include "check/services.h"
#include "check/world.h"
#include "dns/mx.h"

namespace posthorn::check {

struct DiscoveryOptions {
  std::string domain;   // in A-labels
  std::string address;  // of the user; empty: not known, and not told to anybody
  bool ispdb = false;   // ask Mozilla's database: a third party learns the domain
};

struct Discovery {
  std::vector<Candidate> candidates;  // at most some 100; by source, each in its own order
  bool srv_is_known = true;           // all questions for SRV records were answered
  dns::MxRoute mx;
  std::vector<dns::Mx> mx_records;
  Findings findings;
};

// Asks all sources at once: SRV, autoconfig of the domain, MX; the autoconfig of the domain of the MX hosts when the own one gives nothing;
// the usual names (imap.DOMAIN ...) for services that nobody names.
Task<Discovery> discover(World&, DiscoveryOptions);

// Where two sources name different servers for one service.  Pure.
Findings contradictions(const std::vector<Candidate>&);

}  // namespace posthorn::check
