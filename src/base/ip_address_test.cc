#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(IpAddress, IsReadAndWrittenInItsShortestForm) {
  for (const auto& [in, out] : {std::pair{"192.0.2.1", "192.0.2.1"}, {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"}, {"::", "::"},
                                {"::ffff:192.0.2.1", "::ffff:192.0.2.1"}, {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
                                                                           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}}) {
    const auto address = IpAddress::parse(in);
    ASSERT_TRUE(address) << in;
    EXPECT_EQ(address->text(), out);
  }
  for (const char* bad : {"", "1.2.3", "1.2.3.256", "01.2.3.4", "[::1]", "::1%eth0", "1.2.3.4 ", "mail", ":::"})
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpAddress, KnowsWhereItLeads) {
  using enum Reach;
  for (const auto& [text, reach] : {std::pair{"8.8.8.8", global}, {"10.1.2.3", private_use}, {"172.15.0.1", global},
                                    {"172.16.0.1", private_use}, {"172.31.255.255", private_use}, {"172.32.0.1", global},
                                    {"192.168.0.1", private_use}, {"100.64.0.1", private_use}, {"100.128.0.1", global},
                                    {"127.0.0.1", loopback}, {"127.255.255.255", loopback}, {"0.0.0.0", none}, {"0.1.2.3", none},
                                    {"169.254.1.1", link_local}, {"224.0.0.1", multicast}, {"239.255.255.255", multicast},
                                    {"240.0.0.1", none}, {"255.255.255.255", none}, {"2001:db8::1", global}, {"::1", loopback},
                                    {"::", none}, {"::2", none}, {"fe80::1", link_local}, {"fc00::1", private_use},
                                    {"fdff::1", private_use}, {"fec0::1", private_use}, {"ff02::1", multicast},
                                    {"::ffff:127.0.0.1", loopback}, {"::ffff:8.8.8.8", global}, {"64:ff9b::10.0.0.1", private_use},
                                    {"64:ff9b::8.8.8.8", global}, {"2002:7f00:1::", loopback}, {"2002:808:808::1", global},
                                    {"4000::1", none}})
    EXPECT_EQ(IpAddress::parse(text)->reach(), reach) << text;
}

}  // namespace
}  // namespace posthorn
