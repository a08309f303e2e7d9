// What is read of a certificate.
#include "net/peer_certificate.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "net/certificate_testing.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

Task<> serve(Connection& c, const TlsContext& context) {
  (void)co_await c.start_tls(context, after(30s));
  (void)co_await c.read_more(after(30s));
}

Task<PeerCertificate> shown(TestIdentity identity) {
  const auto server = test_server_context(identity);
  const auto client = TlsContext::client_insecure();
  auto pair = make_connection_pair();
  EXPECT_FALSE(pair.second->peer_certificate());
  TaskGroup group;
  group.spawn(Reactor::current(), serve(*pair.first, *server));
  const auto done = co_await pair.second->start_tls_client(**client, TlsPolicy{}, after(30s));
  EXPECT_TRUE(done);
  auto out = pair.second->peer_certificate();
  pair.second->close();
  co_await group.join();
  EXPECT_TRUE(out);
  co_return out.value_or(PeerCertificate{});
}

TEST(PeerCertificate, IsWhatTheServerShows) {
  const TestAuthority authority("Authority of tests");
  const auto c = run_task(shown(authority.issue({.names = {"mail.example.org", "192.0.2.7"}, .common_name = "mail", .valid_to = 48h})));
  EXPECT_EQ(c.subject, "CN=mail");
  EXPECT_EQ(c.common_name, "mail");
  EXPECT_EQ(c.issuer_name, "Authority of tests");
  EXPECT_EQ(c.names, (std::vector<std::string>{"mail.example.org", "192.0.2.7"}));
  EXPECT_EQ(c.more_names, 0u);
  EXPECT_FALSE(c.self_signed);
  EXPECT_FALSE(c.key_type.empty());
  EXPECT_GT(c.key_bits, 0);
  EXPECT_EQ(c.sha256.size(), 32u);
  EXPECT_LT(c.not_before, now());
  EXPECT_GT(c.not_after, now() + 47h);
  EXPECT_LT(c.not_after, now() + 49h);
}

TEST(PeerCertificate, TextsOfStrangersAreBounded) {
  std::vector<std::string> names;
  for (int i = 0; i < 150; ++i) names.push_back("host" + std::to_string(i) + ".example.org");
  const auto c = run_task(shown(make_self_signed_identity({.names = names, .common_name = "e\x1b[2Jvil"})));
  EXPECT_TRUE(c.self_signed);
  EXPECT_EQ(c.names.size(), PeerCertificate::kNames);
  EXPECT_EQ(c.more_names, 50u);
  EXPECT_EQ(c.common_name, "e?[2Jvil");
  EXPECT_EQ(c.subject.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace posthorn::net
