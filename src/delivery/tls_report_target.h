// Who wants TLS reports, as the DNS says, and the message that brings one. [RFC8460 3, 5.3]  Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "delivery/tls_report.h"
#include "http/url.h"

namespace posthorn::delivery {

inline constexpr std::size_t kMaxReportTargets = 10;

// "mailto:" or "https:"; `uri` as it was published.
struct TlsReportTarget {
  std::string uri;
  std::string mailbox;  // of mailto; empty: it is `url`
  http::Url url;
};

// From the TXT records of _smtp._tls.DOMAIN.  Errc::not_found: there is none; syntax: several, damaged, or without a URI that we can use.  At most
// kMaxReportTargets of them.
Result<std::vector<TlsReportTarget>> tls_report_targets(std::span<const std::string> records);

// As a file of gzip.
std::string gzip(std::string_view);

struct TlsReportMail {
  std::string from;       // mailbox
  std::string submitter;  // domain
  std::vector<std::string> to;
  std::string unique;     // for Message-ID and boundary: letters and digits
  SysTime date;
};
// Seven bits, CRLF.  `report`: JSON, compressed by gzip().
std::string compose_tls_report(const TlsReportMail&, const TlsReportHead&, std::string_view report);

}  // namespace posthorn::delivery
