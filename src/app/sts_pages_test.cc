// The policy, its record and its page fit each other, and what others read is what is meant.
#include "app/sts_pages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/dns_records.h"
#include "app/settings.h"
#include "async/reactor.h"
#include "delivery/sts_policy.h"
#include "kv/memory/memory_store.h"

namespace posthorn::app {
namespace {

using Mode = delivery::StsPolicy::Mode;

// A setting, for as long as a test runs.
struct With {
  With(std::string_view name, SettingValue value) : setting(find_setting(name)) { EXPECT_TRUE(setting->set(value).has_value()) << name; }
  ~With() { setting->reset(); }
  const SettingBase* setting;
};

struct StsPagesTest : testing::Test {
  StsPagesTest() {
    EXPECT_TRUE(run_task(directory.open()));
    for (const char* domain : {"example.org", "xn--bcher-kva.example"}) EXPECT_TRUE(run_task(directory.add_domain(domain)));
  }
  kv::MemoryStore kv;
  auth::Directory directory{kv};
  StsPages pages{directory, "mx.example.org"};
};

TEST_F(StsPagesTest, OnlyThePolicyOfOurDomains) {
  const std::string path(kStsPath);
  struct Case {
    std::string host, path;
    unsigned status;
  };
  for (const auto& c : {Case{"mta-sts.example.org", path, 200}, Case{"MTA-STS.Example.ORG:443", path, 200}, Case{"mta-sts.example.org.", path, 200},
                        Case{"mta-sts.xn--bcher-kva.example", path, 200}, Case{"mta-sts.example.org", "/", 404}, Case{"mta-sts.example.org", path + "/", 404},
                        Case{"mta-sts.example.org", "/.well-known/MTA-STS.txt", 404}, Case{"mta-sts.example.net", path, 421}, Case{"example.org", path, 421},
                        Case{"mx.example.org", path, 421}, Case{"mta-sts.", path, 421}, Case{"mta-sts", path, 421}, Case{"", path, 421},
                        Case{"mta-sts.mta-sts.example.org", path, 421}, Case{"[::1]", path, 421}}) {
    const auto answer = pages.answer({.method = "GET", .host = c.host, .path = c.path, .query = {}});
    EXPECT_EQ(answer.status, c.status) << c.host << c.path;
    EXPECT_EQ(answer.body == sts_policy("mx.example.org"), c.status == 200) << c.host << c.path;
    EXPECT_TRUE(answer.content_type.starts_with("text/plain"));
  }
}

TEST_F(StsPagesTest, OthersReadWhatIsMeant) {
  const auto read = [] { return delivery::parse_sts_policy(sts_policy("mx.example.org")); };
  using Policy = delivery::StsPolicy;
  EXPECT_EQ(read(), (Policy{Mode::testing, {"mx.example.org"}, std::chrono::hours(168)}));
  const With mode("mta_sts.own_mode", SettingValue(std::string("enforce"))), age("mta_sts.own_max_age", SettingValue(std::string("30 d"))),
      mx("mta_sts.own_mx", SettingValue(std::string(" Backup.Example.NET  *.example.com")));
  EXPECT_EQ(read(), (Policy{Mode::enforce, {"mx.example.org", "backup.example.net", "*.example.com"}, std::chrono::days(30)}));
  const With none("mta_sts.own_mode", SettingValue(std::string("none")));
  EXPECT_EQ(read()->mode, Mode::none);
  for (const char* wrong : {"a..b", "mx.example.org,mx2.example.org", "*", "mx\nmode: none", "ex*mple.org"})
    EXPECT_FALSE(find_setting("mta_sts.own_mx")->check(SettingValue(std::string(wrong)))) << wrong;
}

config::Listener https() { return {.protocol = config::Protocol::https, .address = {"192.0.2.1", 443, {}}, .tls = config::TlsMode::implicit}; }

const DnsRecord* find(const std::vector<DnsRecord>& records, std::string_view name) {
  const auto it = std::ranges::find(records, name, &DnsRecord::name);
  return it == records.end() ? nullptr : &*it;
}

// [RFC8461 3.1]
TEST_F(StsPagesTest, TheRecordChangesWithThePolicy) {
  config::Config config{.hostname = "mx.example.org", .data_dir = "/nowhere", .tls = {}, .listeners = {https()}, .relays = {}, .settings = {}};
  const auto id = [&config] {
    const auto records = domain_records(config, "example.org");
    const std::vector<std::string> texts{find(records, "_mta-sts.example.org")->value};
    return *delivery::sts_id(texts);
  };
  const auto before = id();
  EXPECT_EQ(id(), before);
  EXPECT_EQ(before, sts_policy_id(sts_policy("mx.example.org")));
  const With mode("mta_sts.own_mode", SettingValue(std::string("enforce")));
  EXPECT_NE(id(), before);

  const auto served = domain_records(config, "example.org");
  ASSERT_TRUE(find(served, "mta-sts.example.org"));
  EXPECT_EQ(zone_line(*find(served, "mta-sts.example.org")), "mta-sts.example.org. IN CNAME mx.example.org.");
  EXPECT_TRUE(find(served, "_mta-sts.example.org")->exact);
  config.listeners.clear();
  const auto elsewhere = domain_records(config, "example.org");
  EXPECT_FALSE(find(elsewhere, "mta-sts.example.org"));
  EXPECT_FALSE(find(elsewhere, "_mta-sts.example.org")->exact);
  EXPECT_NE(find(elsewhere, "_mta-sts.example.org")->note.find("https"), std::string::npos);
}

}  // namespace
}  // namespace posthorn::app
