#include "server/common/capability_patterns.h"

#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

TEST(CapabilityPatterns, NamesOneOrAFamily) {
  struct Case {
    std::string_view list, capability;
    bool named;
  };
  for (const auto& c : {Case{"", "SORT", false}, Case{"SORT", "SORT", true}, Case{"sort", "SORT=DISPLAY", true},
                        Case{"SORT=DISPLAY", "SORT", false}, Case{"IDLE  QRESYNC", "QRESYNC", true}, Case{"THREAD", "THREAD=REFS", true},
                        Case{"IDL", "IDLE", false}})
    EXPECT_EQ(names_capability(c.list, c.capability), c.named) << c.list << " / " << c.capability;
}

TEST(CapabilityPatterns, WhatNeedsAnotherOneGoesWithIt) {
  struct Case {
    std::string_view list, capability;
    bool off;
  };
  for (const auto& c : {Case{"", "QRESYNC", false}, Case{"condstore", "QRESYNC", true}, Case{"QRESYNC", "CONDSTORE", false},
                        Case{"MOVE", "IMAP4REV2", true}, Case{"QUOTA", "QUOTASET", true}, Case{"QUOTASET", "QUOTA", false},
                        Case{"THREAD=REFS", "THREAD=REFERENCES", false}})
    EXPECT_EQ(is_switched_off(c.list, c.capability), c.off) << c.list << " / " << c.capability;
}

TEST(CapabilityPatterns, ClientsByTheirId) {
  struct Case {
    std::string_view pattern, client;
    bool matches;
  };
  for (const auto& c : {Case{"*", "", true}, Case{"", "x", false}, Case{"*outlook*", "Microsoft Outlook 16.0", true},
                        Case{"Thunderbird", "thunderbird", true}, Case{"Thunderbird", "thunderbird 128", false}, Case{"a*b*c", "a1b2b3c", true},
                        Case{"a*b*c", "a1b2b3", false}, Case{"**", "x", true}})
    EXPECT_EQ(matches_client(c.pattern, c.client), c.matches) << c.pattern << " / " << c.client;
}

TEST(CapabilityPatterns, EveryRuleThatMatchesCounts) {
  constexpr std::string_view kRules = "*Outlook*: CONDSTORE QRESYNC; iPhone Mail*:COMPRESS=DEFLATE ; *: MOVE;broken";
  EXPECT_EQ(capabilities_off_for(kRules, "Outlook"), "CONDSTORE QRESYNC MOVE");
  EXPECT_EQ(capabilities_off_for(kRules, "iPhone Mail 21"), "COMPRESS=DEFLATE MOVE");
  EXPECT_EQ(capabilities_off_for("", "mutt"), "");
}

}  // namespace
}  // namespace posthorn::server
