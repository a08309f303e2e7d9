#include "base/ip_network.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(IpNetworks, Contain) {
  struct Case {
    std::string_view networks, ip;
    bool inside;
  };
  for (const auto& c : {Case{"192.0.2.0/24", "192.0.2.255", true}, Case{"192.0.2.0/24", "192.0.3.0", false},
                        Case{"192.0.2.128/25", "192.0.2.127", false}, Case{"192.0.2.128/25", "192.0.2.128", true},
                        Case{"192.0.2.1", "192.0.2.1", true}, Case{"192.0.2.1", "192.0.2.2", false},
                        Case{"0.0.0.0/0", "203.0.113.9", true}, Case{"0.0.0.0/0", "::1", false},
                        Case{"2001:db8::/32", "2001:db8:ffff::1", true}, Case{"2001:db8::/32", "2001:db9::", false},
                        Case{"2001:db8::/33", "2001:db8:8000::", false}, Case{"::/0", "::1", true}, Case{"::/0", "192.0.2.1", false},
                        Case{"10.0.0.0/8, ::1\t192.0.2.7", "192.0.2.7", true}, Case{"", "192.0.2.1", false}, Case{"0.0.0.0/0", "", false},
                        Case{"0.0.0.0/0 ::/0", "unix", false}, Case{"127.0.0.0/8", "::ffff:127.0.0.1", false}}) {
    const auto networks = IpNetworks::parse(c.networks);
    ASSERT_TRUE(networks) << c.networks;
    EXPECT_EQ(networks->contain(c.ip), c.inside) << c.networks << " / " << c.ip;
  }
}

TEST(IpNetworks, SaysWhatIsWrong) {
  for (const auto bad : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2", "localhost", "2001:db8::1/32", "::/129",
                         "192.0.2.0/24x", "/24", "192.0.2.1:25", "[::1]"}) {
    const auto networks = IpNetworks::parse(bad);
    ASSERT_FALSE(networks) << bad;
    EXPECT_EQ(networks.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace posthorn
