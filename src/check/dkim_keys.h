// The keys by which a domain's signatures are verified. [RFC6376 3.6] [RFC8301] [RFC8463]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "check/finding.h"
#include "check/world.h"

namespace posthorn::check {

// Pure: of the texts at SELECTOR._domainkey.DOMAIN.
Findings judge_dkim_key(const std::vector<std::string>& texts, const std::string& selector);

// Selectors cannot be listed: those that are given, and those that providers and programs use.
Task<Findings> check_dkim(World&, dns::Name domain, std::vector<std::string> selectors);

}  // namespace posthorn::check
