// What an operator may change about the policies of other domains and the reports about them.
#pragma once

#include <chrono>
#include <string>

#include "base/settings.h"

namespace posthorn::delivery {

inline const Setting<bool> kSts{
    "mta_sts.enabled", true, "Look for the MTA-STS policies of domains and follow them: TLS with a valid certificate, to hosts that the policy names."};
inline const Setting<std::chrono::seconds> kStsTimeout{
    "mta_sts.timeout", std::chrono::seconds(5), std::chrono::seconds(1), std::chrono::minutes(1),
    "How long a message waits for the policy of its domain; who cannot be reached in this time counts as having none, or the one known before."};
inline const Setting<std::chrono::seconds> kStsRetry{
    "mta_sts.retry", std::chrono::minutes(5), std::chrono::seconds(1), std::chrono::hours(24), "How long a policy that could not be fetched is not tried again."};
inline const Setting<std::int64_t> kStsPort{"mta_sts.port", 443, 1, 65535, "The port of the web servers that policies are fetched from; another one is for tests."};

inline const Setting<bool> kTlsReports{
    "tls_reports.enabled", true, "Count how TLS to other domains worked, and send the report to those that ask for it in the DNS (TLSRPT)."};
inline const Setting<std::chrono::seconds> kTlsReportPeriod{
    "tls_reports.period", std::chrono::hours(24), std::chrono::seconds(1), std::chrono::hours(24), "What one report is about; another period than a day is for tests."};
inline const Setting<std::chrono::seconds> kTlsReportDelay{
    "tls_reports.delay", std::chrono::hours(4), std::chrono::seconds(0), std::chrono::hours(12),
    "Reports are sent at a time by chance within this long behind midnight (UTC), so that not all servers do it at once."};

}  // namespace posthorn::delivery
