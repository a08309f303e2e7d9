// Dates of mail: RFC 5322 header dates and IMAP's two forms.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::text {

// A moment, and the zone of who wrote it.
struct DateTime {
  std::chrono::sys_seconds time{};
  int offset_minutes = 0;  // east of UTC is positive; -1439..1439

  friend bool operator==(const DateTime&, const DateTime&) = default;
};

// The calendar date in its own zone.  [RFC3501 6.4.4] SENTBEFORE and friends disregard time and zone.
std::chrono::sys_days local_date(const DateTime& d);

// [RFC5322 3.3, 4.3] Leniently: comments and folding anywhere, no or wrong day name, two- and three-digit
// years, no seconds, zone names, a missing zone (UTC), "GMT+0200", "-" between day, month and year, asctime()
// order.  Years 1900..9999.  Errc::syntax otherwise.
Result<DateTime> parse_rfc5322_date(std::string_view s);
std::string format_rfc5322_date(const DateTime& d);  // "Thu, 01 Jan 1970 00:00:00 +0000"

// [RFC3501 9] date-time without its quotes: "01-Jan-1970 00:00:00 +0000"; the day may be " 1", or "1"
// (departure: clients send it).
Result<DateTime> parse_imap_date_time(std::string_view s);
std::string format_imap_date_time(const DateTime& d);

// [RFC3501 9] date: "1-Feb-1994" or "01-Feb-1994", with or without quotes.
Result<std::chrono::sys_days> parse_imap_date(std::string_view s);
std::string format_imap_date(std::chrono::sys_days d);

// [RFC3339 5.6] date-time: "1985-04-12T23:20:50.52Z", "1990-12-31T15:59:60-08:00".  Fractions are cut off.  Years 1900..9999.
Result<DateTime> parse_rfc3339_date_time(std::string_view s);
std::string format_rfc3339_utc(std::chrono::sys_seconds time);  // "1970-01-01T00:00:00Z"

}  // namespace posthorn::text
