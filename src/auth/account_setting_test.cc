#include "auth/account_setting.h"

#include <gtest/gtest.h>

namespace posthorn::auth {
namespace {

using namespace std::chrono_literals;

const Setting<bool> kFlag{"account_setting_test.flag", false, "For this test."};
const Setting<std::chrono::seconds> kTime{"account_setting_test.time", 5s, 0s, 24h, "For this test."};
const Setting<std::string> kText{"account_setting_test.text", "server", "For this test."};
const AccountSetting<bool> kFlagOfAccount{kFlag};
const AccountSetting<std::chrono::seconds> kTimeOfAccount{kTime};
const AccountSetting<std::string> kTextOfAccount{kText};

TEST(AccountSetting, OfTheAccountElseOfTheServer) {
  AccountRecord account;
  EXPECT_FALSE(kFlagOfAccount.get(account));
  EXPECT_EQ(kTimeOfAccount.get(account), 5s);
  EXPECT_EQ(kTextOfAccount.get(account), "server");
  account.settings = {{"account_setting_test.flag", "true"}, {"account_setting_test.time", "2 min"}, {"account_setting_test.text", "own"}};
  EXPECT_TRUE(kFlagOfAccount.get(account));
  EXPECT_EQ(kTimeOfAccount.get(account), 120s);
  EXPECT_EQ(kTextOfAccount.get(account), "own");
  account.settings = {{"account_setting_test.flag", "perhaps"}, {"account_setting_test.time", "2 d"}};  // not allowed any more
  EXPECT_FALSE(kFlagOfAccount.get(account));
  EXPECT_EQ(kTimeOfAccount.get(account), 5s);
}

TEST(AccountSetting, SaysWhatIsAllowed) {
  const auto said = [](std::string_view name, std::string_view text) {
    const auto* setting = find_account_setting(name);
    if (!setting) return std::string("none");
    const auto checked = setting->check(text);
    return checked ? std::string("ok") : checked.error().text;
  };
  EXPECT_EQ(said("account_setting_test.flag", "true"), "ok");
  EXPECT_EQ(said("account_setting_test.flag", "yes"), "account_setting_test.flag must be true or false (without quotes)");
  EXPECT_EQ(said("account_setting_test.time", "3"), "ok");
  EXPECT_EQ(said("account_setting_test.time", "30 d"), "account_setting_test.time is out of range: allowed is \"0 s\" to \"1 d\"");
  EXPECT_EQ(said("account_setting_test.text", "x"), "ok");
  EXPECT_EQ(said("account_setting_test.nothing", "x"), "none");
  EXPECT_GE(account_settings().size(), 3u);
}

}  // namespace
}  // namespace posthorn::auth
