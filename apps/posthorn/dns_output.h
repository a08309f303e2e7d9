// DNS records: made, printed, compared.  For the commands that do so.
#pragma once

#include <string>
#include <vector>

#include "app/control.h"
#include "app/dns_records.h"
#include "base/result.h"
#include "config/config.h"

namespace posthorn {

// With those of the keys.
Result<std::vector<app::DnsRecord>> records_of_domain(app::AdminLink& link, const config::Config& config, const std::string& domain);
// A piece of a zone file, with all that is for people as comments.
void say_records(const config::Config& config, const std::vector<app::DnsRecord>& records);

// Asks the resolver of the configuration.  Blocking; takes at most a minute or so.
Result<std::vector<app::DnsFinding>> look_at_dns(const config::Config& config, std::vector<app::DnsRecord> records);
// Answers kDone or kProblemsFound.
int say_findings(const std::vector<app::DnsFinding>& findings);

}  // namespace posthorn
