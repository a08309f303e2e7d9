#include "delivery/sts_policy.h"

#include <gtest/gtest.h>

namespace posthorn::delivery {
namespace {

TEST(StsRecord, IdOrWhyNot) {
  struct Case {
    std::vector<std::string> records;
    std::string id;  // or the class of the error
  };
  const Case cases[] = {
      {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
      {{"v=STSv1;id=1"}, "1"},
      {{"v=STSv1 ; \t id=1 ; "}, "1"},
      {{"v=STSv1; id=1; id=2; other=x;"}, "1"},
      {{"v=STSv1; other=x; id=1"}, "1"},
      {{"v=spf1 -all", "v=STSv1; id=1", "v=STSv2; id=2"}, "1"},
      {{}, "not found"},
      {{"v=spf1 -all"}, "not found"},
      {{"v=STSv10; id=1"}, "not found"},
      {{"V=STSv1; id=1"}, "not found"},
      {{"v=STSv1"}, "not found"},
      {{" v=STSv1; id=1"}, "not found"},
      {{"v=STSv1; id=1", "v=STSv1; id=2"}, "syntax"},
      {{"v=STSv1;"}, "syntax"},
      {{"v=STSv1; id="}, "syntax"},
      {{"v=STSv1; id=a-b"}, "syntax"},
      {{"v=STSv1; id=" + std::string(33, 'x')}, "syntax"},
      {{"v=STSv1; garbage; id=1"}, "syntax"},
      {{"v=STSv1; ; id=1"}, "syntax"},
      {{"v=STSv1; ID=1"}, "syntax"},
  };
  for (const auto& c : cases) {
    const auto id = sts_id(c.records);
    EXPECT_EQ(id ? *id : std::string(to_string(id.error().code)), c.id) << (c.records.empty() ? "" : c.records[0]);
  }
}

TEST(StsPolicyFile, WhatIsAPolicy) {
  using Mode = StsPolicy::Mode;
  struct Case {
    std::string text;
    StsPolicy policy;
  };
  const std::chrono::seconds day(86400);
  const Case cases[] = {
      {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.net\r\nmax_age: 604800\r\n",
       {Mode::enforce, {"mail.example.com", "*.example.net"}, std::chrono::seconds(604800)}},
      {"version: STSv1\nmode: testing\nmx: a.example\nmax_age: 86400", {Mode::testing, {"a.example"}, day}},
      {"max_age:86400 \nmx:a.example\nmode:\tnone\nversion:STSv1\n\n", {Mode::none, {"a.example"}, day}},
      {"version: STSv1\nmode: none\nmax_age: 86400\n", {Mode::none, {}, day}},
      {"version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmax_age: 86400\nmax_age: x\nnew_field: \xc3\xbc\n", {Mode::enforce, {"a.example"}, day}},
      {"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 9999999999\n", {Mode::enforce, {"a.example"}, StsLimits::kMaxAge}},
  };
  for (const auto& c : cases) {
    const auto policy = parse_sts_policy(c.text);
    ASSERT_TRUE(policy) << c.text << policy.error().text;
    EXPECT_EQ(*policy, c.policy) << c.text;
    std::string written;
    for (const auto& line : policy->lines()) written += line + '\n';
    EXPECT_EQ(parse_sts_policy(written).value(), *policy);
  }
}

TEST(StsPolicyFile, WhatIsNone) {
  const std::string good = "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\n";
  for (const std::string& text :
       {std::string(), std::string("<html>\n"), std::string("version: STSv2\nmode: none\nmax_age: 1\n"), std::string("mode: none\nmax_age: 1\n"),
        std::string("version: STSv1\nmode: enforce\nmax_age: 1\n"), std::string("version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n"),
        std::string("version: STSv1\nmode: none\nmax_age: -1\n"), std::string("version: STSv1\nmode: none\nmax_age: 12345678901\n"),
        std::string("version: STSv1\nmode: none\n"), good + "mx: a b\n", good + "mx: *\n", good + "mx: *.*.example\n", good + "mx: .example\n", good + "mx:\n",
        good + "no field\n", good + ": x\n", good + std::string(StsLimits::kPolicy, '\n')})
    EXPECT_FALSE(parse_sts_policy(text)) << text.substr(0, 100);
  std::string many = good;
  for (std::size_t i = 0; i < StsLimits::kPatterns; ++i) many += "mx: m" + std::to_string(i) + ".example\n";
  EXPECT_EQ(parse_sts_policy(many).error().code, Errc::too_large);
}

TEST(StsPolicyFile, WhichHostsItNames) {
  const StsPolicy policy{StsPolicy::Mode::enforce, {"mail.example.com", "*.example.net"}, std::chrono::seconds(1)};
  for (const auto* host : {"mail.example.com", "MAIL.example.com", "a.example.net"}) EXPECT_TRUE(policy.allows(host)) << host;
  for (const auto* host : {"example.com", "a.mail.example.com", "example.net", ".example.net", "a.b.example.net", "", "*.example.net.evil"})
    EXPECT_FALSE(policy.allows(host)) << host;
}

}  // namespace
}  // namespace posthorn::delivery
