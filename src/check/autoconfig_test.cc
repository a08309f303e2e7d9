#include "check/autoconfig.h"

#include <gtest/gtest.h>

namespace posthorn::check {
namespace {

TEST(Autoconfig, TheServersInTheirOrder) {
  const auto got = parse_autoconfig(R"(<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>
<incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
<authentication>password-cleartext</authentication><username>%EMAILLOCALPART%</username></incomingServer>
<incomingServer type="pop3"><hostname>POP.example.org</hostname><port>110</port><socketType>STARTTLS</socketType></incomingServer>
<incomingServer type="exchange"><hostname>x.example.org</hostname><port>443</port></incomingServer>
<incomingServer type="imap"><hostname>no host</hostname><port>993</port></incomingServer>
<incomingServer type="imap"><hostname>h.example.org</hostname><port>99999</port></incomingServer>
<incomingServer type="imap"><hostname>h.example.org</hostname></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.example.org</hostname><port>25</port><socketType>plain</socketType></outgoingServer>
</emailProvider></clientConfig>)",
                                    "joe@example.org");
  ASSERT_TRUE(got) << got.error().text;
  ASSERT_EQ(got->size(), 3u);
  EXPECT_EQ((*got)[0].host, "imap.example.org");
  EXPECT_EQ((*got)[0].security, Security::implicit);
  EXPECT_EQ((*got)[0].user_form, "%EMAILLOCALPART%");
  EXPECT_EQ((*got)[1].service, Service::pop3);
  EXPECT_EQ((*got)[1].host, "pop.example.org");
  EXPECT_EQ((*got)[1].security, Security::starttls);
  EXPECT_EQ((*got)[2].port, 25);
  EXPECT_EQ((*got)[2].security, Security::none);
}

TEST(Autoconfig, WhatIsNoneIsRefused) {
  for (const char* text : {"", "<html></html>", "<clientConfig/>", "<emailProvider/>"})
    EXPECT_FALSE(parse_autoconfig(text, "joe@example.org")) << text;
  EXPECT_TRUE(parse_autoconfig("<clientConfig><emailProvider/></clientConfig>", "joe@example.org")->empty());
}

}  // namespace
}  // namespace posthorn::check
