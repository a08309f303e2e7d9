// What a domain says about TLS for its mail: MTA-STS and TLSRPT. [RFC8461] [RFC8460]
#pragma once

#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "check/finding.h"
#include "check/probe.h"
#include "check/world.h"
#include "delivery/sts_policy.h"

namespace posthorn::check {

// `ports`: what was seen of port 25 of the MX hosts; `hosts`: their names.  Pure.
Findings judge_sts_policy(const delivery::StsPolicy&, std::span<const std::string> hosts, std::span<const PortReport> ports);
Task<Findings> check_sts(World&, dns::Name domain, std::vector<std::string> hosts, std::span<const PortReport> ports);

Findings judge_tlsrpt(const std::vector<std::string>& texts, const std::string& domain);  // pure
Task<Findings> check_tlsrpt(World&, dns::Name domain);

}  // namespace posthorn::check
