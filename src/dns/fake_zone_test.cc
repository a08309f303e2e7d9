#include "dns/fake_zone.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"

namespace posthorn::dns {
namespace {

constexpr const char* kZone = R"(
# what a sender meets
zone . secure
zone plain.test insecure
zone forged.test bogus
signed.test 600 MX 10 mx1.signed.test
signed.test MX 20 mx2.signed.test.
mx1.signed.test A 192.0.2.1
mx1.signed.test AAAA 2001:db8::1
_25._tcp.mx1.signed.test TLSA 3 1 1 abcd
mx2.signed.test CNAME mx1.signed.test
mx3.signed.test 60 CNAME mx.plain.test
mx4.signed.test CNAME mx.forged.test
mx5.signed.test CNAME gone.signed.test
mx6.signed.test CNAME broken.signed.test
ring.signed.test CNAME ring.signed.test
mx.plain.test A 192.0.2.9
back.plain.test CNAME mx1.signed.test
mx.forged.test A 192.0.2.8
signed.test TXT "v=spf1 " "-all"
_imaps._tcp.signed.test SRV 0 1 993 mx1.signed.test
1.2.0.192.in-addr.arpa PTR mx1.signed.test
fail broken.signed.test * servfail
fail half.signed.test AAAA timeout
half.signed.test A 192.0.2.7
fail shy.signed.test A nodata
)";

Deadline soon() { return after(std::chrono::seconds(60)); }
Name name(std::string_view text) { return *Name::parse(text); }

TEST(Resolver, SaysWhatThereIsAndHowSureThatIs) {
  FakeZone dns{std::string_view(kZone)};
  using enum Status;
  for (const auto& [host, status, dnssec, canonical, ttl] :
       {std::tuple{"MX1.signed.test", ok, Dnssec::secure, "mx1.signed.test", 3600},
        {"mx2.signed.test", ok, Dnssec::secure, "mx1.signed.test", 3600},
        {"mx3.signed.test", ok, Dnssec::insecure, "mx.plain.test", 60},      // the worst link counts
        {"back.plain.test", ok, Dnssec::insecure, "mx1.signed.test", 3600},
        {"mx5.signed.test", nxdomain, Dnssec::secure, "gone.signed.test", 3600},
        {"signed.test", nodata, Dnssec::secure, "signed.test", 3600},
        {"_tcp.signed.test", nodata, Dnssec::secure, "_tcp.signed.test", 3600},  // nothing of its own, but names below
        {"no.signed.test", nxdomain, Dnssec::secure, "no.signed.test", 3600},
        {"no.plain.test", nxdomain, Dnssec::insecure, "no.plain.test", 3600},
        {"shy.signed.test", nodata, Dnssec::secure, "shy.signed.test", 3600}}) {
    const auto answer = run_task(dns.a(name(host), soon()));
    EXPECT_EQ(answer.status, status) << host;
    EXPECT_EQ(answer.dnssec, dnssec) << host;
    EXPECT_EQ(answer.canonical_name.text(), canonical) << host;
    EXPECT_EQ(answer.ttl.count(), ttl) << host;
    EXPECT_EQ(answer.secure(), dnssec == Dnssec::secure) << host;
    EXPECT_EQ(answer.records.empty(), status != ok) << host;
  }
  for (const auto& [host, status] : {std::pair{"mx4.signed.test", bogus}, {"mx.forged.test", bogus}, {"no.forged.test", bogus},
                                     {"mx6.signed.test", servfail}, {"broken.signed.test", servfail}, {"ring.signed.test", servfail}}) {
    const auto answer = run_task(dns.a(name(host), soon()));
    EXPECT_EQ(answer.status, status) << host;
    EXPECT_FALSE(answer.definite()) << host;
    EXPECT_FALSE(answer.secure()) << host;
    EXPECT_TRUE(answer.records.empty()) << host;
    EXPECT_FALSE(answer.why.empty()) << host;
  }
  EXPECT_EQ(run_task(dns.aaaa(name("half.signed.test"), soon())).status, timeout);
  EXPECT_TRUE(run_task(dns.a(name("half.signed.test"), soon())).ok());
}

TEST(Resolver, KnowsEveryType) {
  FakeZone dns{std::string_view(kZone)};
  const auto mx = run_task(dns.mx(name("signed.test"), soon()));
  EXPECT_EQ(mx.records.size(), 2u);
  EXPECT_EQ(mx.records[0], (Mx{10, name("mx1.signed.test")}));
  EXPECT_EQ(mx.ttl.count(), 600);
  EXPECT_EQ(run_task(dns.aaaa(name("mx1.signed.test"), soon())).records[0].text(), "2001:db8::1");
  EXPECT_EQ(run_task(dns.txt(name("signed.test"), soon())).records[0].text, "v=spf1 -all");
  EXPECT_EQ(run_task(dns.tlsa(name("_25._tcp.mx1.signed.test"), soon())).records[0], (Tlsa{3, 1, 1, "\xab\xcd"}));
  EXPECT_EQ(run_task(dns.srv(name("_imaps._tcp.signed.test"), soon())).records[0], (Srv{0, 1, 993, name("mx1.signed.test")}));
  EXPECT_EQ(run_task(dns.ptr(Name::reverse(*IpAddress::parse("192.0.2.1")), soon())).records[0].text(), "mx1.signed.test");
}

TEST(Resolver, ShowsTheFirstLinkOfAChain) {
  FakeZone dns{std::string_view(kZone)};
  const auto link = run_task(dns.cname(name("mx3.signed.test"), soon()));
  EXPECT_EQ(link.records[0].text(), "mx.plain.test");
  EXPECT_TRUE(link.secure()) << "the link is signed, though what it leads to is not";
  EXPECT_EQ(link.canonical_name.text(), "mx3.signed.test");
  EXPECT_EQ(run_task(dns.cname(name("mx1.signed.test"), soon())).status, Status::nodata);
}

class DamagedResolver final : public Resolver {
 public:
  Task<Reply> query(Name asked, Type, Deadline) override {
    Reply reply;
    reply.status = Status::ok;
    reply.dnssec = Dnssec::secure;
    reply.canonical_name = asked;
    reply.rdata = {std::string("\xc0\x00\x02\x01", 4), "damaged"};
    co_return reply;
  }
  void shut_down() override {}
};

TEST(Resolver, GivesNoAnswerWithFewerRecords) {
  DamagedResolver dns;
  const auto answer = run_task(dns.a(name("mx.test"), soon()));
  EXPECT_EQ(answer.status, Status::servfail);
  EXPECT_EQ(answer.dnssec, Dnssec::indeterminate);
  EXPECT_TRUE(answer.records.empty());
}

Task<> keep(Task<Answer<IpAddress>> task, Answer<IpAddress>& out) { out = co_await std::move(task); }

// Starts a look-up that waits, runs `meanwhile`, and gives its answer.
Task<> ask_and(FakeZone& dns, Deadline deadline, void (*meanwhile)(FakeZone&), Answer<IpAddress>& out) {
  TaskGroup group;
  group.spawn(Reactor::current(), keep(dns.a(name("mx1.signed.test"), deadline), out));
  while (dns.waiting() == 0) co_await sleep_for(std::chrono::milliseconds(1));
  meanwhile(dns);
  co_await group.join();
}

TEST(FakeZone, HoldsAnswersBack) {
  FakeZone dns{std::string_view(kZone)};
  Answer<IpAddress> answer;
  dns.hold("mx1.signed.test", Type::a);
  EXPECT_TRUE(run_task(dns.aaaa(name("mx1.signed.test"), soon())).ok()) << "only that one";
  run_task(ask_and(dns, soon(), [](FakeZone& d) { d.release("mx1.signed.test", Type::a); }, answer));
  EXPECT_TRUE(answer.ok());
  EXPECT_TRUE(run_task(dns.a(name("mx1.signed.test"), soon())).ok()) << "and no longer than until then";
  EXPECT_EQ(dns.asked("MX1.signed.test.", Type::a), 2u);
  EXPECT_EQ(dns.asked("mx1.signed.test", Type::mx), 0u);
}

TEST(FakeZone, EndsALookupAtItsDeadline) {
  FakeZone dns{std::string_view(kZone)};
  dns.hold("mx1.signed.test", Type::a);
  const auto answer = run_task(dns.a(name("mx1.signed.test"), after(std::chrono::milliseconds(50))));
  EXPECT_EQ(answer.status, Status::timeout);
  EXPECT_EQ(dns.waiting(), 0u);
  dns.release("mx1.signed.test", Type::a);  // nobody waits any more
}

TEST(FakeZone, EndsEverythingWhenShutDown) {
  FakeZone dns{std::string_view(kZone)};
  Answer<IpAddress> answer;
  dns.hold("mx1.signed.test", Type::a);
  run_task(ask_and(dns, soon(), [](FakeZone& d) { d.shut_down(); }, answer));
  EXPECT_EQ(answer.status, Status::cancelled);
  EXPECT_EQ(run_task(dns.a(name("mx.plain.test"), soon())).status, Status::cancelled);
}

TEST(FakeZone, SaysWhatItDoesNotUnderstand) {
  for (const auto& [text, where] : {std::pair{"a A 192.0.2.1\nb A mail", "line 2"}, {"a FOO x", "line 1"}, {"a..b A 192.0.2.1", "line 1"},
                                    {"zone a maybe", "line 1"}, {"fail a A sometimes", "line 1"}, {"fail a FOO servfail", "line 1"},
                                    {"a", "line 1"}}) {
    FakeZone dns;
    const auto loaded = dns.load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_TRUE(loaded.error().text.starts_with(where)) << loaded.error().text;
  }
}

}  // namespace
}  // namespace posthorn::dns
