// The settings that a provider publishes for mail programs: Mozilla's config-v1.1.xml.  Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "check/services.h"

namespace posthorn::check {

// The servers for IMAP, POP3 and submission, in the document's order, at most kServers; others are passed over.  Host names that are none
// are passed over too.  "%EMAILDOMAIN%" and the like are replaced in host names, and stay in user names.  Source and where are the
// caller's. Errc::syntax: no XML, or none of this kind; limit, too_large.
inline constexpr std::size_t kAutoconfigServers = 20;
Result<std::vector<Candidate>> parse_autoconfig(std::string_view document, const std::string& address);

}  // namespace posthorn::check
