// Which certificates a client accepts, and what it says of the others.
#include "net/tls_policy.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "net/certificate_testing.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;
using Records = std::vector<TlsaRecord>;

struct Seen {
  TlsVerdict verdict;
  Result<void> handshake;
  std::string sni;
};

Task<> accept(Connection& c, const TlsContext& context) {
  (void)co_await c.start_tls(context, after(30s));
  (void)co_await c.read_more(after(30s));  // TLS 1.3: the client may refuse when the server is done
}

int remember_name(SSL* ssl, int*, void* out) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  *static_cast<std::string*>(out) = name ? name : "";
  return SSL_TLSEXT_ERR_OK;
}

Task<Seen> shake_hands(const TlsContext& server, const TlsContext& client, const TlsPolicy& policy) {
  auto pair = make_connection_pair();
  TaskGroup group;
  Seen seen;
  auto* ctx = static_cast<SSL_CTX*>(server.native());
  SSL_CTX_set_tlsext_servername_callback(ctx, &remember_name);
  SSL_CTX_set_tlsext_servername_arg(ctx, &seen.sni);
  group.spawn(Reactor::current(), accept(*pair.first, server));
  seen.handshake = co_await pair.second->start_tls_client(client, policy, after(30s));
  seen.verdict = pair.second->tls_verdict();
  pair.second->close();
  co_await group.join();
  co_return seen;
}

Seen meet(const TestIdentity& identity, const TestAuthority& trusted, const TlsPolicy& policy) {
  const auto server = test_server_context(identity);
  const auto client = test_client_context(trusted);
  return run_task(shake_hands(*server, *client, policy));
}

TlsPolicy by_name(Names names) {
  return {.trust = TlsTrust::ca_and_name, .server_name = names.empty() ? "" : names.front(), .names = names};
}
TlsPolicy by_dane(Records records) {
  return {.trust = TlsTrust::dane, .server_name = "mx.example.org", .names = {"mx.example.org"}, .tlsa = std::move(records)};
}

struct Case {
  std::string what;
  TestIdentity identity;
  TlsPolicy policy;
  TlsProblem problem;
  std::string text = {};  // some of it
};

// Each case also with OnMistrust::report, which changes the outcome but not the verdict.
void check(const Case& c, const TestAuthority& trusted) {
  SCOPED_TRACE(c.what);
  const auto seen = meet(c.identity, trusted, c.policy);
  const bool good = c.problem == TlsProblem::none;
  EXPECT_EQ(seen.handshake.has_value(), good);
  if (!seen.handshake) EXPECT_EQ(seen.handshake.error().code, Errc::denied) << seen.handshake.error().text;
  EXPECT_EQ(seen.verdict.verified, good);
  EXPECT_EQ(to_string(seen.verdict.problem), to_string(c.problem));
  EXPECT_NE(seen.verdict.text.find(c.text), std::string::npos) << seen.verdict.text;
  if (c.problem == TlsProblem::bad_policy || c.problem == TlsProblem::tlsa_unusable) return;
  auto lenient = c.policy;
  lenient.on_mistrust = OnMistrust::report;
  const auto reported = meet(c.identity, trusted, lenient);
  EXPECT_TRUE(reported.handshake.has_value());
  EXPECT_EQ(reported.verdict.verified, good);
  EXPECT_EQ(reported.verdict.text, seen.verdict.text);
  EXPECT_EQ(reported.verdict.problem, seen.verdict.problem);
}

TEST(TlsPolicy, AuthorityAndName) {
  const TestAuthority authority, stranger("Nobody's Authority");
  const auto good = authority.issue({.names = {"mx.example.org", "*.example.net", "192.0.2.1", "2001:db8::1"}});
  const auto old = authority.issue({.names = {"mx.example.org"}, .valid_from = -7200s, .valid_to = -3600s});
  const auto young = authority.issue({.names = {"mx.example.org"}, .valid_from = 3600s, .valid_to = 7200s});
  const auto common = authority.issue({.common_name = "mx.example.org"});
  const auto both = authority.issue({.names = {"other.example.org"}, .common_name = "mx.example.org"});
  const auto partial = authority.issue({.names = {"m*.example.org", "*", "*.org"}});
  const auto many = authority.issue({.names = {"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"}});
  const auto for_client = authority.issue({.names = {"mx.example.org"}, .for_servers = false});
  const auto alone = make_self_signed_identity({.names = {"mx.example.org"}});
  using enum TlsProblem;
  const Case cases[] = {
      {"good", good, by_name({"mx.example.org"}), none, "issued by CN=Test Authority"},
      {"case", good, by_name({"MX.Example.ORG"}), none},
      {"one of several names", good, by_name({"example.org", "mx.example.org"}), none},
      {"wildcard", good, by_name({"a.example.net"}), none},
      {"wildcard is one label", good, by_name({"a.b.example.net"}), name_mismatch},
      {"wildcard is not the domain", good, by_name({"example.net"}), name_mismatch},
      {"wildcard in a part of a label, or too high", partial, by_name({"mx.example.org"}), name_mismatch},
      {"address", good, by_name({"192.0.2.1"}), none},
      {"IPv6", good, by_name({"2001:db8:0::1"}), none},
      {"other address", good, by_name({"192.0.2.2"}), name_mismatch},
      {"other name", good, by_name({"mx.example.com"}), name_mismatch,
       "for mx.example.org, *.example.net, 192.0.2.1, 2001:db8::1, not for mx.example.com"},
      {"no name below", good, by_name({"example.org"}), name_mismatch},
      {"many names", many, by_name({"x.example"}), name_mismatch, "d.example and 2 more, not for x.example"},
      {"CN alone", common, by_name({"mx.example.org"}), none},
      {"CN beside names", both, by_name({"mx.example.org"}), name_mismatch, "for other.example.org, not for"},
      {"expired", old, by_name({"mx.example.org"}), expired, "of mx.example.org expired at 20"},
      {"not yet", young, by_name({"mx.example.org"}), not_yet_valid, "valid from"},
      {"self-signed", alone, by_name({"mx.example.org"}), self_signed, "mx.example.org is self-signed"},
      {"unknown issuer", stranger.issue({.names = {"mx.example.org"}}), by_name({"mx.example.org"}), unknown_issuer, "Nobody's Authority"},
      {"for clients", for_client, by_name({"mx.example.org"}), bad_certificate},
      {"no name asked for", good, by_name({}), bad_policy},
      {"names below", good, by_name({".example.org"}), bad_policy},
      {"strange name", good, by_name({"mx.example.org\r\n"}), bad_policy},
  };
  for (const auto& c : cases) check(c, authority);
}

TEST(TlsPolicy, Dane) {
  const TestAuthority authority, unknown("Unknown Authority");
  const auto leaf = unknown.issue({.names = {"mx.example.org"}});
  const auto other = unknown.issue({.names = {"mx.example.org"}});
  const auto misnamed = unknown.issue({.names = {"elsewhere.example"}});
  const auto old = unknown.issue({.names = {"elsewhere.example"}, .valid_from = -7200s, .valid_to = -3600s});
  const auto old_named = unknown.issue({.names = {"mx.example.org"}, .valid_from = -7200s, .valid_to = -3600s});
  const auto alone = make_self_signed_identity({.names = {"mx.example.org"}});
  const auto trusted_by_ca = authority.issue({.names = {"mx.example.org"}});
  const auto ca = unknown.identity();
  const TlsaRecord pkix = leaf.tlsa(1, 1, 1), short_digest{3, 1, 1, "short"}, unknown_digest{3, 1, 9, std::string(32, 'x')};
  using enum TlsProblem;
  const Case cases[] = {
      {"3 1 1", leaf, by_dane({leaf.tlsa(3, 1, 1)}), none, "TLSA 3 1 1 matches"},
      {"3 0 1", leaf, by_dane({leaf.tlsa(3, 0, 1)}), none, "TLSA 3 0 1 matches"},
      {"3 1 2", leaf, by_dane({leaf.tlsa(3, 1, 2)}), none},
      {"3 0 0", leaf, by_dane({leaf.tlsa(3, 0, 0)}), none},
      {"3 1 1 self-signed", alone, by_dane({alone.tlsa(3, 1, 1)}), none},
      {"3 1 1 knows neither names nor dates", old, by_dane({old.tlsa(3, 1, 1)}), none},
      {"3 1 1 of another", leaf, by_dane({other.tlsa(3, 1, 1)}), no_matching_tlsa, "no TLSA record matches"},
      {"3 1 1 of another, self-signed", alone, by_dane({other.tlsa(3, 1, 1)}), no_matching_tlsa},
      {"one of several", leaf, by_dane({other.tlsa(3, 1, 1), pkix, short_digest, leaf.tlsa(3, 1, 1)}), none},
      {"2 1 1", leaf, by_dane({ca.tlsa(2, 1, 1)}), none, "TLSA 2 1 1 matches"},
      {"2 0 1", leaf, by_dane({ca.tlsa(2, 0, 1)}), none},
      {"2 1 1 of another", leaf, by_dane({authority.identity().tlsa(2, 1, 1)}), no_matching_tlsa},
      {"2 1 1 of the leaf, which is no issuer", leaf, by_dane({leaf.tlsa(2, 1, 1)}), no_matching_tlsa},
      {"2 1 1 wants the name", misnamed, by_dane({ca.tlsa(2, 1, 1)}), name_mismatch, "for elsewhere.example, not for mx.example.org"},
      {"2 1 1 wants the dates", old_named, by_dane({ca.tlsa(2, 1, 1)}), expired},
      // An authority of the system is no help.
      {"no record, but trusted", trusted_by_ca, by_dane({other.tlsa(3, 1, 1)}), no_matching_tlsa},
      {"no record, but trusted, and an authority's record", trusted_by_ca, by_dane({ca.tlsa(2, 1, 1)}), no_matching_tlsa},
      {"nothing usable", leaf, by_dane({pkix, short_digest, unknown_digest}), tlsa_unusable},
      {"no records", leaf, by_dane({}), tlsa_unusable},
  };
  for (const auto& c : cases) check(c, authority);
  EXPECT_FALSE(is_usable(pkix));
  EXPECT_FALSE(any_usable({short_digest, unknown_digest}));
  EXPECT_TRUE(any_usable({short_digest, leaf.tlsa(3, 1, 1)}));
}

TEST(TlsPolicy, Pins) {
  const TestAuthority authority;
  const auto leaf = authority.issue({.names = {"elsewhere.example"}, .valid_from = -7200s, .valid_to = -3600s});
  const auto pinned = [](std::vector<std::string> pins) { return TlsPolicy{.trust = TlsTrust::pinned, .pins = std::move(pins)}; };
  const std::string key = leaf.tlsa(3, 1, 1).data, whole = leaf.tlsa(3, 0, 1).data, other(32, 'x');
  const Case cases[] = {
      {"key", leaf, pinned({key}), TlsProblem::none, "a pin matches"},
      {"certificate", leaf, pinned({whole}), TlsProblem::none},
      {"one of several", leaf, pinned({other, key}), TlsProblem::none},
      {"another", leaf, pinned({other}), TlsProblem::no_matching_pin, "no pin matches"},
      {"none", leaf, pinned({}), TlsProblem::bad_policy},
      {"too short", leaf, pinned({"x"}), TlsProblem::bad_policy},
  };
  for (const auto& c : cases) check(c, authority);
}

TEST(TlsPolicy, NoneTakesAnything) {
  const TestAuthority authority;
  const auto old = make_self_signed_identity({.valid_from = -7200s, .valid_to = -3600s});
  const auto seen = meet(old, authority, {.server_name = "mx.example.org"});
  EXPECT_TRUE(seen.handshake);
  EXPECT_FALSE(seen.verdict.verified);
  EXPECT_EQ(seen.verdict.problem, TlsProblem::none);
  EXPECT_EQ(seen.sni, "mx.example.org");
  EXPECT_EQ(meet(old, authority, {.server_name = "192.0.2.1"}).sni, "");  // [RFC6066 3] addresses are not sent
}

Task<TlsVerdict> meet_a_plain_server(std::string says, bool leaves) {
  auto pair = make_connection_pair();
  pair.first->put(says);
  auto sent = co_await pair.first->flush(after(30s));
  EXPECT_TRUE(sent);
  if (leaves) pair.first->close();
  const auto context = TlsContext::client_insecure().value();
  auto done = co_await pair.second->start_tls_client(*context, TlsPolicy{}, after(says.empty() && !leaves ? 150ms : 30'000ms));
  EXPECT_FALSE(done);
  co_return pair.second->tls_verdict();
}

TEST(TlsPolicy, OtherFailures) {
  const auto plain = run_task(meet_a_plain_server("220 mx.example.org ESMTP\r\n", false));
  EXPECT_EQ(plain.problem, TlsProblem::handshake);
  EXPECT_EQ(plain.text, "TLS handshake: the peer does not speak TLS");
  EXPECT_EQ(run_task(meet_a_plain_server("", true)).problem, TlsProblem::connection);
  EXPECT_EQ(run_task(meet_a_plain_server("", false)).problem, TlsProblem::connection);
}

TEST(TlsPolicy, ReportsInTheWordsOfTlsrpt) {
  EXPECT_EQ(tlsrpt_result(TlsProblem::expired), "certificate-expired");
  EXPECT_EQ(tlsrpt_result(TlsProblem::name_mismatch), "certificate-host-mismatch");
  EXPECT_EQ(tlsrpt_result(TlsProblem::unknown_issuer), "certificate-not-trusted");
  EXPECT_EQ(tlsrpt_result(TlsProblem::no_matching_tlsa), "validation-failure");
  EXPECT_EQ(tlsrpt_result(TlsProblem::none), "");
}

TEST(TlsContext, SaysWhichFileIsOfNoUse) {
  const TestFolder folder;
  const auto empty = folder.write("empty.pem", "");
  EXPECT_NE(TlsContext::client({.ca_file = empty}).error().text.find(empty), std::string::npos);
  EXPECT_NE(TlsContext::client({.ca_file = folder.path() + "/none"}).error().text.find("/none"), std::string::npos);
  EXPECT_TRUE(TlsContext::client());
  EXPECT_NE(TlsContext::client({.certificate_file = empty, .key_file = empty}).error().text.find(empty), std::string::npos);
}

}  // namespace
}  // namespace posthorn::net
