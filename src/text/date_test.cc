#include "text/date.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

using namespace std::chrono_literals;

DateTime at(std::int64_t seconds, int offset) {
  return {std::chrono::sys_seconds(std::chrono::seconds(seconds)), offset};
}

TEST(Rfc5322Date, Parses) {
  struct Case {
    std::string_view in;
    std::string_view normal;  // as we would write it; empty: no date
  };
  const Case cases[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"},
      {"21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000"},  // [RFC5322 A.6.2]
      {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
       "Fri, 21 Nov 1997 09:55:06 -0600"},  // [RFC5322 A.6.3]
      {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
       "(Newfoundland Time)",
       "Thu, 13 Feb 1969 23:32:00 -0330"},  // [RFC5322 A.5]
      {"Mon, 1 Jan 2001 1:02:03 EST", "Mon, 01 Jan 2001 01:02:03 -0500"},
      {"1 Jan 49 00:00 PDT", "Fri, 01 Jan 2049 00:00:00 -0700"},
      {"1 Jan 50 00:00 Z", "Sun, 01 Jan 1950 00:00:00 +0000"},
      {"1 Jan 102 00:00 +0000", "Tue, 01 Jan 2002 00:00:00 +0000"},  // year 2000 bugs [RFC5322 4.3]
      {"1 Sep 0102 10:00:00 +0000", "Sun, 01 Sep 2002 10:00:00 +0000"},
      {"1 Sep 2002 10:00:00 0530", "Sun, 01 Sep 2002 10:00:00 +0530"},
      {"1 Sep 2002 10:00:00 01800", "Sun, 01 Sep 2002 10:00:00 +0000"},
      {"Sun Sep  1 10:00:00 +0200 2002", "Sun, 01 Sep 2002 10:00:00 +0200"},
      {"Sunday, 1 September 2002 10:00:00 +0200", "Sun, 01 Sep 2002 10:00:00 +0200"},
      {"01-Sep-2002 10:00:00", "Sun, 01 Sep 2002 10:00:00 +0000"},
      {"Sun Sep  1 10:00:00 2002", "Sun, 01 Sep 2002 10:00:00 +0000"},
      {"Sun Sep  1 10:00:00 EDT 2002", "Sun, 01 Sep 2002 10:00:00 -0400"},
      {"Sep 1, 2002 10:00 +0100", ""},
      {"1 Sep 2002 10.11.12 GMT+0200", "Sun, 01 Sep 2002 10:11:12 +0200"},
      {"1 Sep 2002 10:11:12 +02:00", "Sun, 01 Sep 2002 10:11:12 +0200"},
      {"1 Sep 2002 10:11:12 PM", "Sun, 01 Sep 2002 22:11:12 +0000"},
      {"1 Sep 2002 12:11:12 AM -0100", "Sun, 01 Sep 2002 00:11:12 -0100"},
      {"1 Sep 2002 10:11:12 MESZ", "Sun, 01 Sep 2002 10:11:12 +0000"},
      {"1 Sep 2002 10:11:12 +9999", "Sun, 01 Sep 2002 10:11:12 +0000"},
      {"1 Sep 2002", "Sun, 01 Sep 2002 00:00:00 +0000"},
      {"31 Dec 1998 23:59:60 +0000", "Thu, 31 Dec 1998 23:59:59 +0000"},  // leap second
      {"29 Feb 2000 00:00 +0000", "Tue, 29 Feb 2000 00:00:00 +0000"},
      {"((nested) comment) 1 Sep 2002 10:11:12 +0000 (x", "Sun, 01 Sep 2002 10:11:12 +0000"},
      {"29 Feb 2001 00:00 +0000", ""},
      {"0 Sep 2002 00:00 +0000", ""},
      {"1 Sep 2002 24:00 +0000", ""},
      {"1 Sep 2002 10 +0000", ""},
      {"1 Foo 2002 10:00 +0000", ""},
      {"", ""},
      {"(", ""},
      {"today", ""},
      {"1 Sep 99999999999999999999 10:00", ""},
      {"1 Sep 12002 10:00", ""},
  };
  for (const auto& c : cases) {
    const auto d = parse_rfc5322_date(c.in);
    EXPECT_EQ(d.has_value(), !c.normal.empty()) << c.in;
    if (d) EXPECT_EQ(format_rfc5322_date(*d), c.normal) << c.in;
  }
}

TEST(Rfc5322Date, Moment) {
  const auto d = parse_rfc5322_date("Thu, 01 Jan 1970 01:00:01 +0100");
  ASSERT_TRUE(d);
  EXPECT_EQ(*d, at(1, 60));
  // [RFC3501 6.4.4] SENTON looks at the date as written
  EXPECT_EQ(local_date(at(-1, 60)), std::chrono::sys_days(std::chrono::year(1970) / 1 / 1));
}

TEST(ImapDate, DateTime) {
  const std::pair<std::string_view, DateTime> good[] = {
      {"17-Jul-1996 02:44:25 -0700", at(837'596'665, -420)},
      {" 1-Jan-1970 00:00:00 +0000", at(0, 0)},
      {"1-jan-1970 00:00:00 -0000", at(0, 0)},
  };
  for (const auto& [in, out] : good) {
    const auto d = parse_imap_date_time(in);
    ASSERT_TRUE(d) << in;
    EXPECT_EQ(*d, out) << in;
    EXPECT_EQ(*parse_imap_date_time(format_imap_date_time(out)), out);
  }
  EXPECT_EQ(format_imap_date_time(at(0, 0)), " 1-Jan-1970 00:00:00 +0000");
  EXPECT_EQ(format_imap_date_time(at(837'596'665, -420)), "17-Jul-1996 02:44:25 -0700");
  for (const auto bad :
       {"", "17-Jul-1996", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 0700", "17-Jul-96 02:44:25 -0700",
        "31-Feb-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -0700 ", "17 Jul 1996 02:44:25 -0700",
        "17-Jul-1996 25:44:25 -0700", "17-Jul-1996 02:44:25 -0760"})
    EXPECT_FALSE(parse_imap_date_time(bad)) << bad;
}

TEST(ImapDate, Date) {
  const auto day = std::chrono::sys_days(std::chrono::year(1994) / 2 / 1);
  for (const auto good : {"1-Feb-1994", "01-Feb-1994", "\"1-FEB-1994\""}) {
    const auto d = parse_imap_date(good);
    ASSERT_TRUE(d) << good;
    EXPECT_EQ(*d, day);
  }
  EXPECT_EQ(format_imap_date(day), "1-Feb-1994");
  for (const auto bad :
       {"", "\"", "1-Feb-94", "30-Feb-1994", "1-Feb-1994 ", "Feb-1-1994", "1-Feb-19945", "001-Feb-1994"})
    EXPECT_FALSE(parse_imap_date(bad)) << bad;
}

TEST(Rfc3339Date, DateTime) {
  const std::pair<std::string_view, DateTime> good[] = {
      {"1985-04-12T23:20:50.52Z", at(482'196'050, 0)},  // [RFC3339 5.8], this and those below
      {"1996-12-19T16:39:57-08:00", at(851'042'397, -480)},
      {"1990-12-31T23:59:60Z", at(662'687'999, 0)},
      {"1937-01-01T12:00:27.87+00:20", at(-1'041'337'173, 20)},
      {"1970-01-01t00:00:00z", at(0, 0)},
  };
  for (const auto& [in, out] : good) {
    const auto d = parse_rfc3339_date_time(in);
    ASSERT_TRUE(d) << in;
    EXPECT_EQ(*d, out) << in;
    EXPECT_EQ(parse_rfc3339_date_time(format_rfc3339_utc(out.time))->time, out.time);
  }
  EXPECT_EQ(format_rfc3339_utc(at(851'042'397, 0).time), "1996-12-20T00:39:57Z");
  for (const auto bad : {"", "1985-04-12", "1985-04-12T23:20Z", "1985-04-12T23:20:50", "1985-04-12 23:20:50Z", "1985-02-30T23:20:50Z",
                         "1985-04-12T24:20:50Z", "1985-04-12T23:20:50.Z", "1985-04-12T23:20:50Zx", "1985-04-12T23:20:50+0100",
                         "85-04-12T23:20:50Z", "1985-4-12T23:20:50Z", "1985-04-12T23:20:50+24:00", "1985-04-12T23:20:50+01:00 "})
    EXPECT_FALSE(parse_rfc3339_date_time(bad)) << bad;
}

}  // namespace
}  // namespace posthorn::text
