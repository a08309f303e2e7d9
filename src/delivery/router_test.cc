#include "delivery/router.h"

#include <gtest/gtest.h>

namespace posthorn::delivery {
namespace {

queue::Entry from(std::string sender) {
  queue::Entry entry;
  entry.reverse_path = std::move(sender);
  return entry;
}

queue::Recipient to(std::string address) {
  queue::Recipient recipient;
  recipient.forward_path = std::move(address);
  return recipient;
}

struct RouterTest : testing::Test {
  RouterTest() {
    router.set_relays({
        {.domains = {"partner.example", ".partner.example"}, .senders = {}, .host = "gate.example", .unix_path = {}, .port = 25},
        {.domains = {}, .senders = {"@newsletter.example", "ann@home.example"}, .host = "smart.example", .unix_path = {}, .port = 587, .username = "me"},
        {.domains = {"bank.example"}, .senders = {}, .host = {}, .unix_path = {}, .port = 25, .tls = config::RelayTls::require},
    });
  }
  Router router{[](std::string_view domain) { return domain == "home.example"; }};
};

TEST_F(RouterTest, FindsTheWay) {
  struct Case {
    const char *sender, *recipient, *key;
    Way::Kind kind;
  };
  for (const auto& c : {
           Case{"x@a.example", "bob@Home.Example", "local:bob@home.example", Way::Kind::local},
           Case{"x@newsletter.example", "bob@home.example", "local:bob@home.example", Way::Kind::local},
           Case{"x@a.example", "b@partner.example", "relay:gate.example:25;opportunistic", Way::Kind::relay},
           Case{"x@a.example", "b@deep.Partner.example", "relay:gate.example:25;opportunistic", Way::Kind::relay},
           Case{"x@a.example", "b@notpartner.example", "notpartner.example", Way::Kind::domain},
           Case{"x@Newsletter.example", "b@other.example", "relay:smart.example:587/me;opportunistic", Way::Kind::relay},
           Case{"Ann@home.example", "b@other.example", "relay:smart.example:587/me;opportunistic", Way::Kind::relay},
           Case{"bob@home.example", "b@other.example", "other.example", Way::Kind::domain},
           Case{"bob@home.example", "b@Bank.example", "bank.example;require", Way::Kind::domain},
           Case{"", "b@B\xc3\xbc" "cher.example", "xn--bcher-kva.example", Way::Kind::domain},
           Case{"", "b@[192.0.2.1]", "[192.0.2.1]", Way::Kind::literal},
           Case{"", "b@[IPv6:2001:db8::1]", "[2001:db8::1]", Way::Kind::literal},
           Case{"", "nobody", "refused:", Way::Kind::refused},
       }) {
    const auto way = router.way(from(c.sender), to(c.recipient));
    EXPECT_EQ(way.kind, c.kind) << c.recipient;
    EXPECT_EQ(way.key(), c.key) << c.recipient;
  }
}

TEST_F(RouterTest, PolicyWithoutAHostGoesWithTheDomain) {
  const auto way = router.way(from("bob@home.example"), to("b@bank.example"));
  ASSERT_TRUE(way.relay);
  EXPECT_EQ(way.relay->tls, config::RelayTls::require);
}

TEST_F(RouterTest, MessagesThatAskMoreOfTheChannelHaveTheirOwn) {
  auto entry = from("bob@home.example");
  entry.options.require_tls = true;
  EXPECT_EQ(router.way(entry, to("b@other.example")).key(), "other.example!tls");
  entry.reverse_path.clear();  // [RFC8689 4.2.1] but not a report
  EXPECT_EQ(router.way(entry, to("b@other.example")).key(), "other.example");
  entry = from("bob@home.example");
  entry.options.tls_optional = true;
  EXPECT_EQ(router.way(entry, to("b@other.example")).key(), "other.example!any");
}

}  // namespace
}  // namespace posthorn::delivery
