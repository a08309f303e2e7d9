#include "dns/addresses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "async/reactor.h"
#include "async/task_group.h"
#include "dns/fake_zone.h"

namespace posthorn::dns {
namespace {

constexpr const char* kZone = R"(
zone signed.test secure
both.signed.test A 192.0.2.1
both.signed.test A 192.0.2.2
both.signed.test A 192.0.2.3
both.signed.test AAAA 2001:db8::1
v4.signed.test A 192.0.2.4
v6.signed.test 60 AAAA 2001:db8::6
alias.signed.test CNAME both.signed.test
out.signed.test CNAME plain.test
none.signed.test TXT "no address"
half.signed.test A 192.0.2.5
fail half.signed.test AAAA servfail
halfno.signed.test TXT x
fail halfno.signed.test A timeout
dead.signed.test TXT x
fail dead.signed.test * servfail
plain.test A 192.0.2.9
home.test A 127.0.0.1
home.test A 10.0.0.1
home.test A 0.0.0.0
home.test AAAA ::1
home.test AAAA ::ffff:127.0.0.1
home.test AAAA fe80::1
home.test AAAA ff02::1
mixed.test A 127.0.0.1
mixed.test A 192.0.2.8
)";

Deadline soon() { return after(std::chrono::seconds(60)); }
Name name(std::string_view text) { return *Name::parse(text); }

HostAddresses find(std::string_view host, AddressOptions options = {}) {
  FakeZone dns{std::string_view(kZone)};
  return run_task(find_addresses(dns, name(host), options, soon()));
}

std::string show(const HostAddresses& found) {
  std::string out;
  for (const auto& address : found.addresses) out += (out.empty() ? "" : " ") + address.ip.text();
  return out;
}

TEST(Addresses, AreTriedInTurns) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    AddressOptions options;
    options.seed = seed;
    const auto found = find("both.signed.test", options);
    ASSERT_EQ(found.addresses.size(), 4u);
    EXPECT_FALSE(found.addresses[0].ip.is_v4()) << "IPv6 first";
    orders.insert(show(found));
  }
  EXPECT_EQ(orders.size(), 6u) << "those of one family in any order";
  AddressOptions few;
  few.max_addresses = 2;
  const auto found = find("both.signed.test", few);
  ASSERT_EQ(found.addresses.size(), 2u);
  EXPECT_TRUE(found.addresses[1].ip.is_v4()) << "each family has its share";
}

TEST(Addresses, SayHowSureTheyAre) {
  using enum Status;
  for (const auto& [host, status, dnssec, addresses, canonical] :
       {std::tuple{"v4.signed.test", ok, Dnssec::secure, "192.0.2.4", "v4.signed.test"},
        {"v6.signed.test", ok, Dnssec::secure, "2001:db8::6", "v6.signed.test"},
        {"out.signed.test", ok, Dnssec::insecure, "192.0.2.9", "plain.test"},
        {"plain.test", ok, Dnssec::insecure, "192.0.2.9", "plain.test"},
        {"half.signed.test", ok, Dnssec::secure, "192.0.2.5", "half.signed.test"},  // one family is enough
        {"none.signed.test", nodata, Dnssec::secure, "", "none.signed.test"},
        {"gone.signed.test", nxdomain, Dnssec::secure, "", "gone.signed.test"},
        {"halfno.signed.test", timeout, Dnssec::secure, "", "halfno.signed.test"},  // the other might have had one
        {"dead.signed.test", servfail, Dnssec::indeterminate, "", "dead.signed.test"}}) {
    const auto found = find(host);
    EXPECT_EQ(found.status, status) << host;
    EXPECT_EQ(found.dnssec, dnssec) << host;
    EXPECT_EQ(show(found), addresses) << host;
    EXPECT_EQ(found.canonical_name.text(), canonical) << host;
    EXPECT_EQ(found.why.empty(), !found.addresses.empty()) << host;
  }
  EXPECT_EQ(find("alias.signed.test").canonical_name.text(), "both.signed.test");
  EXPECT_EQ(find("v6.signed.test").ttl.count(), 60);
}

TEST(Addresses, ThatLeadInwardsAreRefused) {
  const auto found = find("home.test");
  EXPECT_EQ(found.status, Status::ok) << "certain: this is what the zone says";
  EXPECT_TRUE(found.addresses.empty());
  EXPECT_EQ(found.refused.size(), 7u);
  EXPECT_NE(found.why.find("not used for mail"), std::string::npos) << found.why;
  EXPECT_EQ(show(find("mixed.test")), "192.0.2.8");
  AddressOptions allowed;
  allowed.allow_loopback = true;
  const auto some = find("home.test", allowed);
  EXPECT_EQ(some.addresses.size(), 3u);
  EXPECT_TRUE(std::ranges::all_of(some.addresses, [](const auto& a) { return a.ip.reach() == Reach::loopback; }));
  allowed.allow_private = true;
  EXPECT_EQ(find("home.test", allowed).addresses.size(), 4u) << "never link-local, multicast, 0.0.0.0";
}

TEST(Addresses, OfAFamilyThatThisMachineLacksAreNotAskedFor) {
  FakeZone dns{std::string_view(kZone)};
  AddressOptions only_v4;
  only_v4.v6 = false;
  EXPECT_EQ(run_task(find_addresses(dns, name("v6.signed.test"), only_v4, soon())).status, Status::nodata);
  EXPECT_EQ(dns.asked("v6.signed.test", Type::aaaa), 0u);
  EXPECT_EQ(dns.asked("v6.signed.test", Type::a), 1u);
  AddressOptions neither;
  neither.v4 = neither.v6 = false;
  EXPECT_EQ(run_task(find_addresses(dns, name("v4.signed.test"), neither, soon())).status, Status::nodata);
}

TEST(Addresses, WrittenAsAHostNeedNoLookup) {
  EXPECT_EQ(show(find("192.0.2.77")), "192.0.2.77");
  EXPECT_EQ(find("192.0.2.77").dnssec, Dnssec::indeterminate);
  EXPECT_EQ(show(find("127.0.0.1")), "");
  AddressOptions only_v6;
  only_v6.v4 = false;
  EXPECT_EQ(find("192.0.2.77", only_v6).status, Status::nodata);
}

TEST(Addresses, ShowThatAHostIsOurselves) {
  const IpAddress ours[] = {*IpAddress::parse("192.0.2.2")};
  AddressOptions options;
  options.ours = ours;
  EXPECT_TRUE(find("both.signed.test", options).is_ourselves);
  EXPECT_FALSE(find("v4.signed.test", options).is_ourselves);
}

Task<> release_when_both_wait(FakeZone& dns, std::size_t& waiting) {
  while (dns.waiting() < 2) co_await sleep_for(std::chrono::milliseconds(1));
  waiting = dns.waiting();
  dns.release("both.signed.test", Type::a);
  dns.release("both.signed.test", Type::aaaa);
}

Task<> find_into(FakeZone& dns, HostAddresses& out) { out = co_await find_addresses(dns, name("both.signed.test"), {}, soon()); }

Task<> look_while_held(FakeZone& dns, HostAddresses& out, std::size_t& waiting) {
  TaskGroup group;
  group.spawn(Reactor::current(), find_into(dns, out));
  group.spawn(Reactor::current(), release_when_both_wait(dns, waiting));
  co_await group.join();
}

TEST(Addresses, OfBothFamiliesAreAskedForAtOnce) {
  FakeZone dns{std::string_view(kZone)};
  dns.hold("both.signed.test", Type::a);
  dns.hold("both.signed.test", Type::aaaa);
  HostAddresses found;
  std::size_t waiting = 0;
  run_task(look_while_held(dns, found, waiting));
  EXPECT_EQ(waiting, 2u);
  EXPECT_EQ(found.addresses.size(), 4u);
}

}  // namespace
}  // namespace posthorn::dns
