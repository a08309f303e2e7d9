#include "dns/options.h"

#include <gtest/gtest.h>

#include "dns/settings.h"

namespace posthorn::dns {
namespace {

std::string join(const std::vector<ServerAddress>& servers) {
  std::string out;
  for (const auto& server : servers) out += (out.empty() ? "" : " ") + server.text();
  return out;
}

TEST(Servers, AreAddressesWithPorts) {
  for (const auto& [in, out] : {std::pair{"192.0.2.1", "192.0.2.1@53"}, {"2001:DB8::1@5353", "2001:db8::1@5353"},
                                {"127.0.0.1@65535", "127.0.0.1@65535"}}) {
    const auto server = parse_server(in);
    ASSERT_TRUE(server) << in;
    EXPECT_EQ(server->text(), out);
  }
  for (const char* bad : {"", "dns.example", "192.0.2.1@", "192.0.2.1@0", "192.0.2.1@65536", "192.0.2.1@53x", "192.0.2.1:53", "@53"})
    EXPECT_FALSE(parse_server(bad)) << bad;
}

TEST(ResolvConf, IsReadAsTheCLibraryDoes) {
  for (const auto& [text, out] :
       {std::pair{"nameserver 192.0.2.1\nsearch example.org\nnameserver\t2001:db8::1 \n", "192.0.2.1@53 2001:db8::1@53"},
        {"", "127.0.0.1@53"}, {"# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n", "127.0.0.1@53"},
        {"nameserver 192.0.2.1 # home\n", "192.0.2.1@53"}, {"nameserver fe80::1%eth0\nnameserver 192.0.2.1", "192.0.2.1@53"},
        {"nameservers 192.0.2.1\noptions edns0", "127.0.0.1@53"}})
    EXPECT_EQ(join(servers_of_resolv_conf(text)), out) << text;
}

TEST(Zones, MayHaveServersOfTheirOwn) {
  const auto zones = parse_zones(" corp.example=192.0.2.53  other.example corp.example=192.0.2.54@5353 ");
  ASSERT_TRUE(zones);
  ASSERT_EQ(zones->size(), 2u);
  EXPECT_EQ((*zones)[0].name.text(), "corp.example");
  EXPECT_EQ(join((*zones)[0].servers), "192.0.2.53@53 192.0.2.54@5353");
  EXPECT_TRUE((*zones)[1].servers.empty());
  for (const char* bad : {"=192.0.2.1", "a..b", "corp.example=", "corp.example=dns"}) EXPECT_FALSE(parse_zones(bad)) << bad;
}

TEST(Anchors, AreNamed) {
  const auto names = names_of_anchors(
      "; keys\n. 86400 IN DNSKEY 257 3 8 AwEA ;id\nexample.org.  IN DS 1 8 2 AB\nfoo IN A 192.0.2.1\n\nnonsense\nbar.test. ds 1 8 2 ab");
  ASSERT_EQ(names.size(), 3u);
  EXPECT_TRUE(names[0].is_root());
  EXPECT_EQ(names[1].text(), "example.org");
  EXPECT_EQ(names[2].text(), "bar.test");
}

TEST(Settings, AreChecked) {
  for (const auto& [setting, bad] : {std::pair<const SettingBase*, const char*>{&kServers, "192.0.2.1, 192.0.2.2"},
                                     {&kServers, "root 192.0.2.1"}, {&kZones, "corp.example=home"}, {&kZones, "corp..example"}})
    EXPECT_FALSE(setting->set(std::string(bad))) << bad;
  ASSERT_TRUE(kServers.set(std::string("root")));
  EXPECT_TRUE(options_from_settings().servers.empty());
  ASSERT_TRUE(kServers.set(std::string("192.0.2.1 2001:db8::1@5353")));
  EXPECT_EQ(join(options_from_settings().servers), "192.0.2.1@53 2001:db8::1@5353");
  kServers.reset();
  EXPECT_FALSE(options_from_settings().servers.empty()) << "resolv.conf";
}

}  // namespace
}  // namespace posthorn::dns
