#include "mailauth/srs.h"

#include <gtest/gtest.h>

#include <set>

#include "text/ascii.h"

namespace posthorn::mailauth {
namespace {

using std::chrono::days;

// The vectors come from Perl's Mail::SRS with this clock and these secrets.
constexpr SysTime kNow{std::chrono::milliseconds(1'700'000'000'000)};
const Srs kSrs({.secrets = {"secret one", "older"}, .max_local_part = 250});

constexpr struct {
  std::string_view local, domain, rewritten;
} kVectors[] = {
    {"alice", "example.org", "SRS0=TsnU=G3=example.org=alice"},
    {"Bob.Smith+x=y", "Mail.Example.NET", "SRS0=pOk7=G3=Mail.Example.NET=Bob.Smith+x=y"},
    {"srs0", "x.example", "SRS0=T+su=G3=x.example=srs0"},
    {"SRS0=XjO9=V7=example.com=alice", "first.example", "SRS1=Ekni=first.example==XjO9=V7=example.com=alice"},
    {"SRS0+XjO9=V7=example.com=alice", "first.example", "SRS1=Eirt=first.example=+XjO9=V7=example.com=alice"},
    {"srs1=abcd=first.example==XjO9=V7=example.com=alice", "second.example", "SRS1=Ekni=first.example==XjO9=V7=example.com=alice"},
    {"SRS1=abcd=first.example=-XjO9=V7=example.com=alice", "second.example", "SRS1=XZDt=first.example=-XjO9=V7=example.com=alice"},
};

std::string forwarded(std::string_view local, std::string_view domain, const Srs& srs = kSrs, SysTime now = kNow) {
  const auto out = srs.forward({std::string(local), std::string(domain)}, "fwd.example", now);
  if (!out) return std::string(to_string(out.error().code));
  EXPECT_EQ(out->domain, "fwd.example");
  return out->local_part;
}

std::string reversed(std::string_view local, SysTime now = kNow, const Srs& srs = kSrs) {
  const auto out = srs.reverse(local, now);
  return out ? out->local_part + '@' + out->domain : std::string(to_string(out.error().code));
}

TEST(Srs, AsOthersRewrite) {
  for (const auto& v : kVectors) EXPECT_EQ(forwarded(v.local, v.domain), v.rewritten);
  // its own domain's mail needs nothing
  EXPECT_EQ(*kSrs.forward({"alice", "FWD.example"}, "fwd.example", kNow), (SrsMailbox{"alice", "FWD.example"}));
}

TEST(Srs, TheWayBack) {
  EXPECT_EQ(reversed("SRS0=TsnU=G3=example.org=alice"), "alice@example.org");
  EXPECT_EQ(reversed("SRS0=pOk7=G3=Mail.Example.NET=Bob.Smith+x=y"), "Bob.Smith+x=y@Mail.Example.NET");
  EXPECT_EQ(reversed("SRS1=Ekni=first.example==XjO9=V7=example.com=alice"), "SRS0=XjO9=V7=example.com=alice@first.example");
  EXPECT_EQ(reversed("SRS1=Eirt=first.example=+XjO9=V7=example.com=alice"), "SRS0+XjO9=V7=example.com=alice@first.example");
  EXPECT_EQ(reversed("SRS0=j8bo=G3=example.org=alice"), "alice@example.org");  // by the older secret
  EXPECT_EQ(reversed("SRS0+TsnU=G3=example.org=alice"), "alice@example.org");
  // somebody changed its case
  EXPECT_EQ(reversed("srs0=tsnu=g3=example.org=alice"), "alice@example.org");
  EXPECT_EQ(reversed("SRS0=TSNU=G3=EXAMPLE.ORG=ALICE"), "ALICE@EXAMPLE.ORG");
  EXPECT_EQ(reversed("srs1=EKNI=first.example==xjo9=v7=example.com=alice"), "SRS0=xjo9=v7=example.com=alice@first.example");
}

TEST(Srs, WhatIsNotOurs) {
  for (const std::string_view plain : {"", "alice", "srs", "SRS0", "SRS1", "srs0alice", "xSRS0=a=b=c=d", "SRS2=TsnU=G3=example.org=alice"}) {
    EXPECT_FALSE(Srs::is_srs(plain));
    EXPECT_EQ(reversed(plain), "not found") << plain;
  }
  const auto syntax = std::string(to_string(Errc::syntax)), denied = std::string(to_string(Errc::denied));
  for (const std::string_view broken :
       {"SRS0=", "SRS0=TsnU", "SRS0=TsnU=G3", "SRS0=TsnU=G3=example.org", "SRS0=TsnU=G3=example.org=", "SRS0=TsnU=G3==alice",
        "SRS0=TsnU=G=example.org=alice", "SRS0=TsnU=G33=example.org=alice", "SRS0=TsnU=G1=example.org=alice", "SRS1=", "SRS1=Ekni",
        "SRS1=Ekni=first.example", "SRS1=Ekni=first.example=", "SRS1=Ekni===XjO9=V7=example.com=alice",
        "SRS1=Ekni=first.example=XjO9=V7=example.com=alice"}) {
    EXPECT_TRUE(Srs::is_srs(broken));
    EXPECT_EQ(reversed(broken), syntax) << broken;
  }
  for (const std::string_view forged :
       {"SRS0=TsnV=G3=example.org=alice", "SRS0==G3=example.org=alice", "SRS0=Tsn=G3=example.org=alice", "SRS0=TsnUU=G3=example.org=alice",
        "SRS0=TsnU=G4=example.org=alice", "SRS0=TsnU=G3=example.com=alice", "SRS0=TsnU=G3=example.org=mallory",
        "SRS1=Ekni=second.example==XjO9=V7=example.com=alice", "SRS1=Ekni=first.example==XjO9=V7=example.com=bob",
        "SRS1==first.example==XjO9=V7=example.com=alice"})
    EXPECT_EQ(reversed(forged), denied) << forged;
  const auto long_hash = "SRS0=" + std::string(1000, 'x') + "=G3=example.org=alice";
  EXPECT_EQ(reversed(long_hash), denied);
}

TEST(Srs, AnAddressLivesThreeWeeks) {
  const auto late = std::string(to_string(Errc::timed_out));
  const std::string_view address = "SRS0=TsnU=G3=example.org=alice", good = "alice@example.org";
  for (const auto& [after, expected] : {std::pair{-2, std::string_view(late)}, {-1, good}, {0, good}, {21, good}, {22, late}, {500, late},
                                        {1023, good}, {1024, good}})  // the two letters come again
    EXPECT_EQ(reversed(address, kNow + days(after)), expected) << after;
  EXPECT_EQ(reversed("SRS1=Ekni=first.example==XjO9=V7=example.com=alice", kNow + days(400)),
            "SRS0=XjO9=V7=example.com=alice@first.example");
}

TEST(Srs, LengthsOfWhatIsMade) {
  const Srs strict({.secrets = {"s"}});
  const auto limit = std::string(to_string(Errc::limit));
  // SRS0=HHHH=TT=example.org= are 25
  EXPECT_EQ(forwarded(std::string(39, 'a'), "example.org", strict).size(), 64u);
  EXPECT_EQ(forwarded(std::string(40, 'a'), "example.org", strict), limit);
  EXPECT_EQ(forwarded(std::string(230, 'a'), "example.org"), limit);
  const auto path = kSrs.forward({std::string(200, 'a'), "example.org"}, std::string(29, 'b'), kNow);
  EXPECT_EQ(path.error().code, Errc::limit);
  const Srs longer({.secrets = {"secret one"}, .hash_length = 8});
  const auto made = forwarded("alice", "example.org", longer);
  EXPECT_TRUE(made.starts_with("SRS0=TsnU") && made[13] == '=') << made;
  EXPECT_EQ(reversed(made), "alice@example.org");                                 // a longer hash is as good
  EXPECT_EQ(reversed("SRS0=TsnU=G3=example.org=alice", kNow, longer), "denied");  // a shorter one is not
}

// An SRS1 address that is none is a sender like any other.
TEST(Srs, OddSendersComeBackToo) {
  for (const std::string_view local : {"SRS1=x", "srs1=a=b=c", "SRS1=", "SRS0=x", "a=b==c", "=", "\"", "a b", "j\xc3\xb6", "a@b", "SRS0-"}) {
    const auto made = forwarded(local, "example.org");
    EXPECT_TRUE(Srs::is_srs(made));
    const auto once = kSrs.reverse(made, kNow);
    ASSERT_TRUE(once) << made;
    EXPECT_TRUE(text::iequals(once->local_part, local) && once->domain == "example.org") << made;
  }
}

TEST(Srs, SecretsChangeAndTheOldOneIsKnown) {
  const auto at = [](int day) { return srs_secrets("kept", SysTime(days(day))); };
  EXPECT_EQ(at(90), at(179));
  EXPECT_NE(at(179), at(180));
  EXPECT_EQ(at(180)[1], at(179)[0]);
  std::set<std::string> all;
  for (int day = 0; day < 9000; day += 90) all.insert(at(day)[0]);
  EXPECT_EQ(all.size(), 100u);
  EXPECT_NE(srs_secrets("kept", kNow), srs_secrets("other", kNow));
  // whenever it was made, it is believed for as long as it should be
  for (int day = 19000; day < 19200; ++day) {
    const Srs made_by({.secrets = at(day)}), asked({.secrets = at(day + 21)});
    const auto address = forwarded("alice", "example.org", made_by, SysTime(days(day)));
    EXPECT_EQ(reversed(address, SysTime(days(day + 21)), asked), "alice@example.org") << day;
  }
}

}  // namespace
}  // namespace posthorn::mailauth
