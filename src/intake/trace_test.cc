#include "intake/trace.h"

#include <gtest/gtest.h>

namespace posthorn::intake {
namespace {

TEST(Trace, NamesTheProtocol) {  // [RFC3848]
  struct Case {
    Transport transport;
    Secured secured;
    SignedIn signed_in;
    Utf8 utf8;
    std::string_view name;
  };
  for (const auto& c : {Case{Transport::smtp, Secured::no, SignedIn::no, Utf8::no, "SMTP"},
                        Case{Transport::esmtp, Secured::no, SignedIn::no, Utf8::no, "ESMTP"},
                        Case{Transport::esmtp, Secured::yes, SignedIn::no, Utf8::no, "ESMTPS"},
                        Case{Transport::esmtp, Secured::no, SignedIn::yes, Utf8::no, "ESMTPA"},
                        Case{Transport::esmtp, Secured::yes, SignedIn::yes, Utf8::no, "ESMTPSA"},
                        Case{Transport::lmtp, Secured::no, SignedIn::no, Utf8::no, "LMTP"},
                        Case{Transport::lmtp, Secured::yes, SignedIn::no, Utf8::no, "LMTPS"},
                        Case{Transport::esmtp, Secured::yes, SignedIn::yes, Utf8::yes, "UTF8SMTPSA"},
                        Case{Transport::lmtp, Secured::no, SignedIn::no, Utf8::yes, "UTF8LMTP"}})
    EXPECT_EQ(with_protocol(c.transport, c.secured, c.signed_in, c.utf8), c.name);
}

TEST(Trace, WritesReceived) {
  Origin origin{.helo = "client.example", .ip = "192.0.2.1", .with = "ESMTPS", .tls_version = "TLSv1.3", .tls_cipher = "X"};
  std::string out;
  put_received(out, origin, "mail.example.test", "17", "bob@example.test", std::chrono::sys_seconds{});
  EXPECT_EQ(out,
            "Received: from client.example ([192.0.2.1])\r\n\tby mail.example.test with ESMTPS (TLSv1.3 X)\r\n\tid 17\r\n"
            "\tfor <bob@example.test>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
  origin = {.helo = "", .ip = "2001:db8::1", .with = "SMTP", .tls_version = "", .tls_cipher = ""};
  out.clear();
  put_received(out, origin, "h", "1", "", std::chrono::sys_seconds{});
  EXPECT_EQ(out, "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n\tby h with SMTP\r\n\tid 1;\r\n"
                 "\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
  origin.ip.clear();
  out.clear();
  put_received(out, origin, "h", "1", "", std::chrono::sys_seconds{});
  EXPECT_TRUE(out.starts_with("Received: from localhost\r\n"));
}

}  // namespace
}  // namespace posthorn::intake
