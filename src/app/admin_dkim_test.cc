// DKIM keys by administration commands, over a store in memory.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "app/admin.h"
#include "async/reactor.h"
#include "base/log.h"
#include "config/core_settings.h"

namespace posthorn::app {
namespace {

namespace json = boost::json;
using std::chrono::days;

struct AdminDkimTest : testing::Test {
  AdminDkimTest() {
    char name[] = "/tmp/posthorn-admin-XXXXXX";
    config.hostname = "mail.example.test";
    config.data_dir = std::string(::mkdtemp(name)) + "/data";
    config.settings = {{"storage.backend", std::string("memory")}, {"storage.min_free_space", std::int64_t{0}}};
    config::apply(config);
    auto opened = Storage::open(config, std::chrono::seconds(5));
    CHECK(opened);
    storage = *std::move(opened);
    admin.emplace(*storage, std::function<LiveStatus()>());
  }
  ~AdminDkimTest() override {
    admin.reset();
    storage.reset();
    std::filesystem::remove_all(std::filesystem::path(config.data_dir).parent_path());
    config::apply(config::Config{});
  }
  json::object ask(const json::object& request, std::string_view code = "") {
    const auto answer = run_task(admin->answer(json::serialize(request)));
    EXPECT_EQ(answer.find("PRIVATE"), answer.npos) << answer;
    auto object = json::parse(answer).as_object();
    EXPECT_EQ(object["ok"], code.empty()) << answer;
    if (!code.empty()) { EXPECT_EQ(std::string_view(object["code"].as_string()), code) << answer; }
    return object;
  }
  json::object dkim(std::string_view what, std::string_view domain = "example.test", std::string_view code = "") {
    return ask({{"command", "domain.dkim." + std::string(what)}, {"domain", domain}}, code);
  }
  // "rsa-20241004-0000:active ..."
  static std::string states(const json::object& answer) {
    std::string out;
    for (const auto& key : answer.at("keys").as_array())
      out += (out.empty() ? "" : " ") + std::string(key.at("selector").as_string()) + ':' + std::string(key.at("state").as_string());
    return out;
  }

  ManualClock clock{SysTime(days(20'000))};  // 2024-10-04
  log::Capture log{log::Level::debug};
  config::Config config;
  std::unique_ptr<Storage> storage;
  std::optional<Admin> admin;
};

TEST_F(AdminDkimTest, ADomainComesWithKeysAndTheirRecords) {
  ask({{"command", "domain.add"}, {"domain", "Example.test"}});
  const auto listed = dkim("list");
  EXPECT_EQ(states(listed), "ed25519-20241004-0000:active rsa-20241004-0000:active");
  const auto& ed25519 = listed.at("keys").at(0).as_object();
  EXPECT_EQ(ed25519.at("algorithm"), "ed25519");
  EXPECT_EQ(ed25519.at("created"), "2024-10-04T00:00:00Z");
  EXPECT_EQ(ed25519.at("activated"), "2024-10-04T00:00:00Z");
  EXPECT_FALSE(ed25519.contains("retired"));
  const auto dns = ask({{"command", "domain.dns"}, {"domain", "example.test"}});
  ASSERT_EQ(dns.at("records").as_array().size(), 2u);
  EXPECT_EQ(dns.at("records").at(0).at("purpose"), "DKIM");
  const auto& rsa = dns.at("records").at(1).as_object();
  EXPECT_EQ(rsa.at("name"), "rsa-20241004-0000._domainkey.example.test");
  EXPECT_EQ(rsa.at("type"), "TXT");
  const std::string value(rsa.at("value").as_string()), line(rsa.at("zone_line").as_string());
  EXPECT_TRUE(value.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA")) << value;
  EXPECT_EQ(value.size(), 18u + 392u);
  EXPECT_EQ(line, "rsa-20241004-0000._domainkey.example.test. IN TXT \"" + value.substr(0, 255) + "\" \"" + value.substr(255) + "\"");
  EXPECT_EQ((*run_task(storage->directory().signing_keys("example.test")))->size(), 2u);
  EXPECT_FALSE(log.has("PRIVATE"));
}

TEST_F(AdminDkimTest, DomainsWithoutKeys) {
  ask({{"command", "domain.add"}, {"domain", "example.test"}, {"dkim", false}});
  EXPECT_EQ(states(dkim("list")), "");
  EXPECT_TRUE(ask({{"command", "domain.dns"}, {"domain", "example.test"}}).at("records").as_array().empty());
  EXPECT_EQ(states(dkim("rotate")), "ed25519-20241004-0000:active rsa-20241004-0000:active");  // as none signs
  ask({{"command", "domain.add"}, {"domain", "example.test"}}, "exists");
  ask({{"command", "domain.add"}, {"domain", "not a domain"}}, "invalid");
  for (const auto* command : {"list", "rotate", "activate"}) dkim(command, "other.test", "not_found");
  ask({{"command", "domain.dns"}, {"domain", "other.test"}}, "not_found");
}

TEST_F(AdminDkimTest, Rotation) {
  ask({{"command", "domain.add"}, {"domain", "example.test"}});
  dkim("activate", "example.test", "not_found");
  clock.advance(days(30) + std::chrono::hours(10) + std::chrono::minutes(7));
  EXPECT_EQ(states(dkim("rotate")),
            "ed25519-20241004-0000:active ed25519-20241103-1007:next rsa-20241004-0000:active rsa-20241103-1007:next");
  dkim("rotate", "example.test", "exists");
  clock.advance(days(1));
  const auto activated = dkim("activate");
  EXPECT_EQ(states(activated),
            "ed25519-20241004-0000:retired ed25519-20241103-1007:active rsa-20241004-0000:retired rsa-20241103-1007:active");
  EXPECT_EQ(activated.at("keys").at(0).at("keep_record_until"), "2024-11-11T10:07:00Z");
  const auto dns = ask({{"command", "domain.dns"}, {"domain", "example.test"}});
  EXPECT_EQ(dns.at("records").as_array().size(), 4u);  // the old ones must stay a while
  EXPECT_EQ(dns.at("records").at(0).at("note"), "retired: keep the record until 2024-11-11T10:07:00Z");
  clock.advance(days(7));
  EXPECT_EQ(states(dkim("list")), "ed25519-20241103-1007:active rsa-20241103-1007:active");
}

TEST_F(AdminDkimTest, RotationAtOnceAndWhatIsRemoved) {
  ask({{"command", "domain.add"}, {"domain", "example.test"}});
  const json::object at_once{{"command", "domain.dkim.rotate"}, {"domain", "example.test"}, {"activate", true}};
  // Within the same minute a name is taken already.
  EXPECT_EQ(states(ask(at_once)), "ed25519-20241004-0000:retired ed25519-20241004-0001:active rsa-20241004-0000:retired rsa-20241004-0001:active");
  const auto remove = [this](std::string_view selector, std::string_view code = "") {
    return ask({{"command", "domain.dkim.remove"}, {"domain", "example.test"}, {"selector", selector}}, code);
  };
  remove("nothing", "not_found");
  remove("ed25519-20241004-0000");
  EXPECT_EQ(states(remove("ed25519-20241004-0001")), "rsa-20241004-0000:retired rsa-20241004-0001:active");
  // Only what signs is replaced.
  EXPECT_EQ(states(dkim("rotate")), "rsa-20241004-0000:retired rsa-20241004-0001:active rsa-20241004-0002:next");
  ask({{"command", "domain.remove"}, {"domain", "example.test"}});
  dkim("list", "example.test", "not_found");
}

TEST_F(AdminDkimTest, NamesInOtherScripts) {
  ask({{"command", "domain.add"}, {"domain", "b\xc3\xbc" "cher.example"}});
  const auto dns = ask({{"command", "domain.dns"}, {"domain", "b\xc3\xbc" "cher.example"}});
  EXPECT_EQ(dns.at("records").at(0).at("name"), "ed25519-20241004-0000._domainkey.xn--bcher-kva.example");
}

}  // namespace
}  // namespace posthorn::app
