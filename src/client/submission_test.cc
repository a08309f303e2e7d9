#include "client/submission.h"

#include <gtest/gtest.h>

namespace posthorn::client {
namespace {

std::string doors(std::string_view url, const DoorWishes& wishes = {}) {
  std::string out;
  for (const auto& door : doors_of(parse_mail_url(url).value(), wishes)) {
    constexpr std::string_view kModes[] = {"clear", "may", "must", "tls"};
    out += (out.empty() ? "" : " ") + std::to_string(door.port) + ':' + std::string(kModes[static_cast<std::size_t>(door.tls)]);
  }
  return out;
}

TEST(Submission, DoorsAreTriedInTheirOrder) {
  const DoorWishes only_host{.port_is_known = false};
  EXPECT_EQ(doors("submissions://h", only_host), "465:tls 587:must 2525:must 25:may");
  EXPECT_EQ(doors("submissions://h", {.port_is_known = false, .allow_plaintext = true}), "465:tls 587:may 2525:may 25:may");
  EXPECT_EQ(doors("submissions://joe@h", {.port_is_known = false, .protect = true}), "465:tls 587:must 2525:must 25:must");
  EXPECT_EQ(doors("submissions://joe@h", {.port_is_known = false, .allow_plaintext = true, .protect = true}), "465:tls 587:may 2525:may 25:may");
  EXPECT_EQ(doors("submissions://h"), "465:tls 587:must 2525:must 25:must");
  EXPECT_EQ(doors("submission://h"), "587:must 465:tls 2525:must 25:must");
  EXPECT_EQ(doors("submission://h:2525"), "2525:must 465:tls 587:must 25:must");
  EXPECT_EQ(doors("submission://h:10587", {.allow_plaintext = true}), "10587:may 465:tls 587:may 2525:may 25:may");
  EXPECT_EQ(doors("smtp://h"), "25:may 465:tls 587:must 2525:must");
  EXPECT_EQ(doors("smtp://joe@h", {.protect = true}), "25:must 465:tls 587:must 2525:must");
  EXPECT_EQ(doors("smtp://h:1025", {.fallback = false}), "1025:may");
  EXPECT_EQ(doors("submissions://h", {.fallback = false}), "465:tls");
  EXPECT_EQ(doors("lmtp://h:24"), "24:may");
  EXPECT_EQ(doors("lmtp:/run/lmtp"), "0:clear");
}

TEST(Submission, OnlyDoorsThatLeadNowhereLeadToOthers) {
  struct Case {
    Stage stage;
    Cause cause;
    net::TlsProblem problem = net::TlsProblem::none;
    bool next = false;
  };
  using net::TlsProblem;
  const Case cases[] = {
      {Stage::connect, Cause::unreachable, {}, true},
      {Stage::connect, Cause::timed_out, {}, true},
      {Stage::connect, Cause::cancelled, {}, false},
      {Stage::tls, Cause::tls_failed, TlsProblem::handshake, true},
      {Stage::tls, Cause::tls_failed, TlsProblem::connection, true},
      {Stage::tls, Cause::tls_failed, TlsProblem::name_mismatch, false},
      {Stage::tls, Cause::tls_failed, TlsProblem::self_signed, false},
      {Stage::tls, Cause::tls_failed, TlsProblem::no_matching_pin, false},
      {Stage::tls, Cause::tls_failed, TlsProblem::bad_policy, false},
      {Stage::greeting, Cause::closed, {}, true},
      {Stage::greeting, Cause::timed_out, {}, true},
      {Stage::greeting, Cause::bad_reply, {}, true},
      {Stage::greeting, Cause::refused, {}, false},
      {Stage::hello, Cause::refused, {}, false},
      {Stage::start_tls, Cause::tls_not_offered, {}, true},
      {Stage::start_tls, Cause::refused, {}, true},
      {Stage::start_tls, Cause::tls_injection, {}, false},
      {Stage::auth, Cause::refused, {}, false},
      {Stage::auth, Cause::closed, {}, false},
      {Stage::auth, Cause::no_mechanism, {}, false},
      {Stage::auth, Cause::server_unproven, {}, false},
      {Stage::final_dot, Cause::closed, {}, false},
  };
  for (const auto& c : cases) {
    Failure failure{.stage = c.stage, .cause = c.cause, .reply = {}, .tls = {}, .text = {}};
    failure.tls.problem = c.problem;
    EXPECT_EQ(leads_nowhere(failure), c.next) << to_string(c.stage) << ": " << to_string(c.cause) << ' ' << net::to_string(c.problem);
  }
}

}  // namespace
}  // namespace posthorn::client
