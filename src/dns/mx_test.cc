#include "dns/mx.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace posthorn::dns {
namespace {

using Kind = MxRoute::Kind;

Name name(std::string_view text) { return *Name::parse(text); }

Answer<Mx> answer_of(std::initializer_list<std::pair<int, const char*>> records, Status status = Status::ok) {
  Answer<Mx> out;
  out.status = status;
  out.dnssec = Dnssec::secure;
  for (const auto& [preference, host] : records) out.records.push_back({static_cast<std::uint16_t>(preference), name(host)});
  if (records.size() == 0 && status == Status::ok) out.status = Status::nodata;
  return out;
}

std::string show(const MxRoute& route) {
  std::string out;
  for (const auto& host : route.hosts) out += (out.empty() ? "" : " ") + std::to_string(host.preference) + ":" + host.name.text();
  return out;
}

MxRoute route(const Answer<Mx>& answer, std::vector<Name> ours = {}, MxOptions options = {}) {
  options.our_names = ours;
  return order_mx(name("example.org"), answer, options);
}

TEST(Mx, LowestPreferenceFirst) {
  const auto made = route(answer_of({{20, "b"}, {10, "a"}, {65535, "c"}, {0, "d"}}));
  EXPECT_EQ(made.kind, Kind::hosts);
  EXPECT_EQ(show(made), "0:d 10:a 20:b 65535:c");
  EXPECT_FALSE(made.implicit);
  EXPECT_EQ(made.dnssec, Dnssec::secure);
}

TEST(Mx, EqualOnesInRandomOrder) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    MxOptions options;
    options.seed = seed;
    const auto made = show(route(answer_of({{10, "a"}, {10, "b"}, {10, "c"}, {5, "first"}}), {}, options));
    EXPECT_TRUE(made.starts_with("5:first "));
    ++seen[made];
    // The order of the answer does not matter, so a resolver cannot choose for us.
    EXPECT_EQ(made, show(route(answer_of({{5, "first"}, {10, "c"}, {10, "b"}, {10, "a"}}), {}, options)));
  }
  EXPECT_EQ(seen.size(), 6u);
  for (const auto& [order, count] : seen) EXPECT_GT(count, 50) << order;
}

TEST(Mx, NoneMeansTheDomainItself) {
  const auto made = route(answer_of({}));
  EXPECT_EQ(made.kind, Kind::hosts);
  EXPECT_TRUE(made.implicit);
  EXPECT_EQ(show(made), "0:example.org");
}

TEST(Mx, WhatEndsTheRoute) {
  for (const auto& [answer, kind] : {
           std::pair{answer_of({{0, "."}}), Kind::null_mx},
           {answer_of({{10, "."}}), Kind::null_mx},
           {answer_of({}, Status::nxdomain), Kind::no_domain},
           {answer_of({}, Status::servfail), Kind::unknown},
           {answer_of({}, Status::timeout), Kind::unknown},
           {answer_of({}, Status::bogus), Kind::unknown},
           {answer_of({{10, "-bad.example"}, {20, "a b.example"}}), Kind::unusable},
           {answer_of({{0, "."}, {10, "."}}), Kind::unusable},
       }) {
    const auto made = route(answer);
    EXPECT_EQ(made.kind, kind);
    EXPECT_TRUE(made.hosts.empty());
    EXPECT_FALSE(made.implicit);
    EXPECT_FALSE(made.why.empty());
  }
}

TEST(Mx, ToleratesWhatOthersDo) {
  EXPECT_EQ(show(route(answer_of({{0, "."}, {10, "a"}}))), "10:a") << "a null MX among others is none";
  EXPECT_EQ(show(route(answer_of({{10, "a"}, {20, "A."}}))), "10:a") << "named twice";
  EXPECT_EQ(show(route(answer_of({{10, "my_host.example"}, {20, "*.example"}}))), "10:my_host.example");
  EXPECT_EQ(show(route(answer_of({{10, "192.0.2.1"}, {20, "a"}}))), "10:192.0.2.1 20:a");
  MxOptions strict;
  strict.address = AddressAsMx::refuse;
  EXPECT_EQ(show(route(answer_of({{10, "192.0.2.1"}, {20, "a"}}), {}, strict)), "20:a");
}

TEST(Mx, DropsOurselvesAndWhatIsNoBetter) {
  const std::vector<Name> ours = {name("us.example"), name("us2.example")};
  EXPECT_EQ(show(route(answer_of({{10, "a"}, {20, "US.example"}, {20, "b"}, {30, "c"}}), ours)), "10:a");
  EXPECT_EQ(show(route(answer_of({{10, "a"}, {20, "us.example"}, {15, "us2.example"}, {17, "b"}}), ours)), "10:a");
  const auto best = route(answer_of({{10, "us.example"}, {10, "a"}, {20, "b"}}), ours);
  EXPECT_EQ(best.kind, Kind::ourselves);
  EXPECT_TRUE(best.hosts.empty());
  EXPECT_EQ(order_mx(name("us.example"), answer_of({}), {.our_names = ours}).kind, Kind::ourselves) << "the domain itself is us";
  auto by_address = route(answer_of({{10, "a"}, {20, "alias-of-us.example"}, {30, "b"}}));
  drop_from_ours(by_address, name("alias-of-us.example"));
  EXPECT_EQ(show(by_address), "10:a");
  drop_from_ours(by_address, name("unknown.example"));
  EXPECT_EQ(show(by_address), "10:a");
  drop_from_ours(by_address, name("a"));
  EXPECT_EQ(by_address.kind, Kind::ourselves);
}

TEST(Mx, FarTooManyAreCutToTheBest) {
  Answer<Mx> many;
  many.status = Status::ok;
  for (int i = 3000; i > 0; --i) many.records.push_back({static_cast<std::uint16_t>(i), name("h" + std::to_string(i))});
  const auto made = route(many);
  ASSERT_EQ(made.hosts.size(), MxOptions().max_hosts);
  EXPECT_EQ(made.hosts.front().preference, 1);
  EXPECT_EQ(made.hosts.back().preference, 20);
  const std::vector<Name> ours = {name("h5")};
  EXPECT_EQ(route(many, ours).hosts.size(), 4u) << "ourselves first, then the limit";
}

}  // namespace
}  // namespace posthorn::dns
