// Which of its certificates a server shows.
#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "crypto/certificate_names.h"
#include "net/certificate_testing.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

TEST(CertificateNames, ExactOnesComeFirstAndTheFirstOfThem) {
  const auto first = make_self_signed_identity({.names = {"mail.example.org", "*.example.org", "192.0.2.1"}, .common_name = "cn.example"});
  const auto second = make_self_signed_identity({.names = {"IMAP.example.org", "mail.example.org"}});
  const auto nameless = make_self_signed_identity({.names = {}, .common_name = "old.example.net"});
  crypto::CertificateNames names;
  ASSERT_TRUE(names.add(first.certificate, 0));
  ASSERT_TRUE(names.add(second.certificate, 1));
  ASSERT_TRUE(names.add(nameless.certificate, 2));
  EXPECT_EQ(names.add("nothing", 3).error().code, Errc::invalid);
  constexpr int kNone = -1;
  const struct {
    std::string_view host;
    int index;
  } cases[] = {{"mail.example.org", 0},     {"imap.example.org", 1},  {"IMAP.Example.ORG.", 1}, {"pop.example.org", 0}, {"old.example.net", 2},
               {"a.b.example.org", kNone},  {"example.org", kNone},   {"cn.example", kNone},    {"192.0.2.1", kNone},   {"*.example.org", kNone},
               {"", kNone},                 {".", kNone},             {".example.org", kNone}};
  for (const auto& c : cases) {
    const auto found = names.find(c.host);
    EXPECT_EQ(found ? static_cast<int>(*found) : kNone, c.index) << c.host;
  }
}

Task<> accept(Connection& c, const TlsContext& context) {
  (void)co_await c.start_tls(context, after(30s));
  (void)co_await c.read_more(after(30s));
}

Task<bool> shows(const TlsContext& server, const TlsContext& client, std::string name, const TestIdentity& wanted) {
  auto pair = make_connection_pair();
  TaskGroup group;
  group.spawn(Reactor::current(), accept(*pair.first, server));
  TlsPolicy policy{.trust = TlsTrust::dane, .server_name = std::move(name), .names = {"any.example"}, .tlsa = {wanted.tlsa(3, 1, 1)}};
  const auto done = co_await pair.second->start_tls_client(client, std::move(policy), after(30s));
  pair.second->close();
  co_await group.join();
  co_return done.has_value();
}

TEST(Tls, TheCertificateIsThatOfTheName) {
  const TestFolder folder;
  const TestIdentity usual = make_self_signed_identity({.names = {"mail.example.org"}});
  const TestIdentity other = make_self_signed_identity({.names = {"mail.example.net", "*.example.net"}});
  std::vector<CertificateFiles> files;
  for (const auto* identity : {&usual, &other}) {
    const auto n = std::to_string(files.size());
    files.push_back({folder.write("chain" + n, identity->certificate), folder.write("key" + n, identity->key)});
  }
  const auto server = TlsContext::server(files).value();
  const auto client = TlsContext::client_insecure().value();
  const struct {
    std::string name;
    const TestIdentity& shown;
  } cases[] = {{"mail.example.org", usual}, {"MAIL.example.net", other}, {"mx2.example.net", other}, {"elsewhere.example", usual}, {"", usual}};
  for (const auto& c : cases) EXPECT_TRUE(run_task(shows(*server, *client, c.name, c.shown))) << c.name;

  files[1].key = files[0].key;
  EXPECT_EQ(TlsContext::server(files).error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::net
