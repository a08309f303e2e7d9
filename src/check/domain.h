// The records of a domain: who takes its mail, who may send it, and how others can tell.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "check/discovery.h"
#include "check/finding.h"
#include "check/probe.h"
#include "check/world.h"

namespace posthorn::check {

// Good ones too, in the order MX, reverse, DNSSEC, SPF, DKIM, DMARC, MTA-STS, TLSRPT, TLSA, SRV.  `ports`: what was seen of its servers.
Task<Findings> examine_domain(World&, const Discovery&, std::string domain, std::vector<std::string> selectors,
                              std::span<const PortReport> ports);

}  // namespace posthorn::check
