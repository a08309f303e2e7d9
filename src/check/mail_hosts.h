// The hosts that take a domain's mail: MX records, addresses, the way back, DANE.
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

// What is known of one of them.
struct MailHost {
  dns::MxHost mx;
  bool is_alias = false;
  HostLookup lookup;
  std::vector<std::string> reverse;  // of each address: what is wrong with the way back; empty: it is confirmed
  dns::Answer<dns::Tlsa> tlsa;
  std::optional<PortReport> dane;  // port 25 seen with these records
};

// Asks about all of them at once; at most kHosts.
Task<std::vector<MailHost>> look_at_mail_hosts(World&, const dns::MxRoute&);

// Pure.
Findings judge_mx(const Discovery&, std::span<const MailHost>, const std::string& domain);
Findings judge_dane(std::span<const MailHost>, dns::Dnssec of_mx);

}  // namespace posthorn::check
