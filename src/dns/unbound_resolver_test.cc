// What can be seen without a name server; tests/e2e/test_dns.py has one.
#include "dns/unbound_resolver.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unbound.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/file_descriptor.h"
#include "dns/fake_zone.h"
#include "dns/unbound_context.h"

namespace posthorn::dns {
namespace {

using namespace std::chrono_literals;

// A name server that is there, and says nothing.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(socket_.fd(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ResolverOptions options(std::size_t max_queries = 10) const {
    ResolverOptions out;
    out.servers = {{*IpAddress::parse("127.0.0.1"), port_}};
    out.validate = false;
    out.max_queries = max_queries;
    return out;
  }

 private:
  FileDescriptor socket_;
  std::uint16_t port_ = 0;
};

Name name(const std::string& text) { return *Name::parse(text); }

std::unique_ptr<UnboundResolver> open(const ResolverOptions& options) {
  auto resolver = UnboundResolver::open(options);
  CHECK(resolver.has_value());
  return *std::move(resolver);
}

TEST(UnboundResolver, KeepsSpecialNamesToItself) {
  SilentServer server;
  auto dns = open(server.options());
  EXPECT_EQ(run_task(dns->a(name("localhost"), after(60s))).records[0].text(), "127.0.0.1");
  EXPECT_EQ(run_task(dns->a(name("mail.invalid"), after(60s))).status, Status::nxdomain);
  EXPECT_EQ(run_task(dns->a(name("abc.onion"), after(60s))).status, Status::nxdomain);
}

TEST(UnboundResolver, EndsALookupAtItsDeadline) {
  SilentServer server;
  auto dns = open(server.options());
  const auto answer = run_task(dns->mx(name("example.org"), after(100ms)));
  EXPECT_EQ(answer.status, Status::timeout);
  EXPECT_FALSE(answer.definite());
  EXPECT_EQ(answer.dnssec, Dnssec::indeterminate);
}

Task<> ask(Resolver& dns, std::string of, Deadline deadline, std::vector<Status>& out) {
  const auto answer = co_await dns.a(name(of), deadline);
  out.push_back(answer.status);
}

Task<> ask_many(Resolver& dns, int count, Deadline deadline, std::vector<Status>& out, bool shut_down) {
  TaskGroup group;
  for (int i = 0; i < count; ++i) group.spawn(Reactor::current(), ask(dns, "n" + std::to_string(i) + ".example.org", deadline, out));
  co_await sleep_for(10ms);
  if (shut_down) dns.shut_down();
  co_await group.join();
}

TEST(UnboundResolver, EndsEverythingWhenShutDown) {
  SilentServer server;
  auto dns = open(server.options());
  std::vector<Status> ends;
  run_task(ask_many(*dns, 30, after(300s), ends, true));  // some with libunbound, some in the queue
  EXPECT_EQ(ends, std::vector<Status>(30, Status::cancelled));
  EXPECT_EQ(run_task(dns->a(name("example.org"), after(60s))).status, Status::cancelled);
}

TEST(UnboundResolver, HoldsSoManyAndNoMore) {
  SilentServer server;
  auto dns = open(server.options(2));
  std::vector<Status> ends;
  run_task(ask_many(*dns, 100, after(1s), ends, false));
  EXPECT_EQ(std::ranges::count(ends, Status::timeout) + std::ranges::count(ends, Status::servfail), 100);
  EXPECT_GE(std::ranges::count(ends, Status::servfail), 60) << "2 under way and 32 in the queue";
  // Those that have ended give their places back.
  ends.clear();
  run_task(ask_many(*dns, 20, after(200ms), ends, false));
  EXPECT_EQ(ends.size(), 20u);
}

TEST(UnboundResolver, RefusesTrustAnchorsItCannotUse) {
  SilentServer server;
  auto options = server.options();
  options.validate = true;
  const auto path = std::filesystem::temp_directory_path() / ("posthorn-anchor-" + std::to_string(::getpid()));
  for (const char* content : {"", "no key\n", ". IN DS 20326 8 2 nothexadecimal\n"}) {
    std::ofstream(path) << content;
    options.trust_anchor_file = path;
    const auto resolver = UnboundResolver::open(options);
    ASSERT_FALSE(resolver) << content;
    EXPECT_NE(resolver.error().text.find(path.string()), std::string::npos) << resolver.error().text;
  }
  std::filesystem::remove(path);
  EXPECT_FALSE(UnboundResolver::open(options)) << "no such file";
  options.trust_anchor_file.clear();
  EXPECT_TRUE(UnboundResolver::open(options)) << "those of the system, or built in";
}

TEST(Probe, TellsResolversThatStripFromThoseThatAreDown) {
  for (const auto& [zone, result] : {std::pair{"zone . secure\nexample A 192.0.2.1", DnssecProbe::works},
                                     {"example A 192.0.2.1", DnssecProbe::off},
                                     {"zone . bogus\nexample A 192.0.2.1", DnssecProbe::stripped},
                                     {"fail . TXT servfail", DnssecProbe::unreachable},
                                     {"fail . TXT timeout", DnssecProbe::unreachable}}) {
    FakeZone dns{std::string_view(zone)};
    EXPECT_EQ(run_task(probe_dnssec(dns, after(60s))), result) << zone;
  }
}

TEST(UnboundReply, KeepsApartWhatIsCertain) {
  struct Case {
    int rcode, havedata, nxdomain, secure, bogus;
    Status status;
    Dnssec dnssec;
  };
  char rdata[] = {1, 2, 3, 4};
  char* with_data[] = {rdata, nullptr};
  char* without[] = {nullptr};
  int length[] = {4, 0};
  for (const auto& c : {Case{0, 1, 0, 1, 0, Status::ok, Dnssec::secure}, {0, 1, 0, 0, 0, Status::ok, Dnssec::insecure},
                        {0, 0, 0, 1, 0, Status::nodata, Dnssec::secure}, {3, 0, 1, 0, 0, Status::nxdomain, Dnssec::insecure},
                        {2, 0, 0, 0, 0, Status::servfail, Dnssec::indeterminate}, {5, 0, 0, 0, 0, Status::refused, Dnssec::indeterminate},
                        {4, 0, 0, 0, 0, Status::servfail, Dnssec::indeterminate}, {2, 0, 0, 0, 1, Status::bogus, Dnssec::bogus},
                        {0, 1, 0, 0, 1, Status::bogus, Dnssec::bogus}, {3, 0, 1, 0, 1, Status::bogus, Dnssec::bogus}}) {
    ub_result result{};
    result.rcode = c.rcode;
    result.havedata = c.havedata;
    result.nxdomain = c.nxdomain;
    result.secure = c.secure;
    result.bogus = c.bogus;
    result.data = c.havedata ? with_data : without;
    result.len = length;
    result.ttl = 60;
    const auto reply = reply_from(name("mx.example.org"), result);
    EXPECT_EQ(reply.status, c.status) << c.rcode;
    EXPECT_EQ(reply.dnssec, c.dnssec) << c.rcode;
    EXPECT_EQ(reply.rdata.size(), c.status == Status::ok ? 1u : 0u) << c.rcode;
    EXPECT_EQ(reply.ttl.count(), is_definite(c.status) ? 60 : 0) << c.rcode;
  }
}

}  // namespace
}  // namespace posthorn::dns
