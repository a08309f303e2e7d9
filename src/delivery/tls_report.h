// What a TLS report says of one domain: sessions counted by policy, and why some failed. [RFC8460 4]  Pure.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::delivery {

// The policy that a session was judged by. [RFC8460 4.4]
struct ReportedPolicy {
  enum class Type : std::uint8_t { none, tlsa, sts };
  Type type = Type::none;
  std::vector<std::string> strings;   // lines of the MTA-STS policy, or TLSA records
  std::vector<std::string> mx_hosts;  // patterns of the MTA-STS policy
  friend bool operator==(const ReportedPolicy&, const ReportedPolicy&) = default;
};

struct TlsFailure {
  std::string result;  // result-type [RFC8460 4.3]
  std::string sending_ip, mx_host, receiving_ip;  // empty: not known
  std::string reason;  // for people
  friend auto operator<=>(const TlsFailure&, const TlsFailure&) = default;
};

// One session, or why there was none.
struct TlsResult {
  std::string domain;  // of the recipients
  std::shared_ptr<const ReportedPolicy> policy;
  std::optional<TlsFailure> failure;
};

// Who counts for Attempt and Targets.  Threads: any; never waits.
class TlsResults {
 public:
  virtual ~TlsResults() = default;
  virtual void add(const TlsResult&) = 0;
};

// Sessions with one domain.  Bounded: beyond kMaxPolicies the last one takes all; beyond kMaxDetails failures are counted without their detail.
struct TlsCounts {
  static constexpr std::size_t kMaxPolicies = 8, kMaxDetails = 100, kMaxStrings = 200, kMaxText = 512;
  struct Policy {
    ReportedPolicy policy;
    std::uint64_t successes = 0, failures = 0;
    std::map<TlsFailure, std::uint64_t> details;
    friend bool operator==(const Policy&, const Policy&) = default;
  };
  std::vector<Policy> policies;

  void add(const ReportedPolicy&, const std::optional<TlsFailure>&);
  void merge(const TlsCounts&);
  friend bool operator==(const TlsCounts&, const TlsCounts&) = default;
};

// The row of a domain: its counts, and how far its report has got.
struct TlsReportRow {
  std::int64_t end = 0;       // of the period, seconds since 1970
  std::int64_t next_try = 0;  // likewise
  std::vector<std::string> sent;  // who has got it: URIs as they were published
  TlsCounts counts;
  friend bool operator==(const TlsReportRow&, const TlsReportRow&) = default;
};
std::string encode(const TlsReportRow&);
Result<TlsReportRow> decode_tls_report_row(std::string_view);  // Errc::corrupt

struct TlsReportHead {
  std::string organization, contact, id, domain;
  std::chrono::sys_seconds start, end;  // end: the first second that is not in it
};
// [RFC8460 4.4]
std::string tls_report_json(const TlsReportHead&, const TlsCounts&);

}  // namespace posthorn::delivery
