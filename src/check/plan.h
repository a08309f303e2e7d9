// Which ports are looked at.  Pure.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "check/probe.h"
#include "check/services.h"

namespace posthorn::check {

// What is promised (by SRV, autoconfig, MX) with the names of who promises it, and the standard ports of each service on each host that
// anybody names for it; sorted by host as first named, then as standard_ports().  At most kTargets, of kHosts hosts.  `only`: of these
// services; empty: of all.
inline constexpr std::size_t kTargets = 80, kHosts = 16;
std::vector<ProbeTarget> plan_targets(std::span<const Candidate>, const std::set<Service>& only);

// All services on one host, none of them promised.
std::vector<Candidate> candidates_of_host(const std::string& host);

}  // namespace posthorn::check
