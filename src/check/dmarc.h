// Whether a domain's DMARC record does what it should. [RFC7489]
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "check/finding.h"
#include "check/world.h"

namespace posthorn::check {

// Pure: of the texts at _dmarc.NAME.  `inherited`: NAME is a domain above, whose record counts for its subdomains, too.
Findings judge_dmarc(const std::vector<std::string>& texts, const std::string& name, bool inherited);
// The hosts to which reports are sent: of mailto: addresses and https: URLs.  Pure.
std::vector<std::string> report_domains(std::string_view rua);

// Where the domain has none, that of the next domain above counts which has one.  Other domains that take the reports must say so
// [RFC7489 7.1].
Task<Findings> check_dmarc(World&, dns::Name domain);

}  // namespace posthorn::check
