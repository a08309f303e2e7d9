// The queue by administration commands, over a store in memory: pages and steps go on where the one before ended.
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

struct AdminQueueTest : testing::Test {
  AdminQueueTest() {
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
  ~AdminQueueTest() override {
    admin.reset();
    storage.reset();
    std::filesystem::remove_all(std::filesystem::path(config.data_dir).parent_path());
    config::apply(config::Config{});
  }
  json::object ask(const json::object& request, std::string_view code = "") {
    auto object = json::parse(run_task(admin->answer(json::serialize(request)))).as_object();
    EXPECT_EQ(object["ok"], code.empty()) << json::serialize(object);
    if (!code.empty()) {
      EXPECT_EQ(std::string_view(object["code"].as_string()), code);
    }
    return object;
  }
  // Sums a field over all steps.
  std::int64_t sum(json::object request, std::string_view field) {
    std::int64_t out = 0;
    for (steps = 1;; ++steps) {
      const auto answer = ask(request);
      const auto& value = answer.at(field);
      out += value.is_array() ? static_cast<std::int64_t>(value.get_array().size()) : value.to_number<std::int64_t>();
      if (answer.at("position").is_null()) return out;
      request["position"] = answer.at("position");
    }
  }
  std::string add(std::string sender, std::vector<std::string> to) {
    auto draft = storage->blobs().begin();
    EXPECT_TRUE(run_task(draft.write("Subject: x\r\n\r\n")));
    queue::NewEntry entry{.bytes = std::move(draft).seal(), .entry = {}, .recipients = {}};
    entry.entry.reverse_path = std::move(sender);
    entry.entry.arrival = now();
    for (auto& address : to) entry.recipients.push_back({.forward_path = std::move(address)});
    return std::to_string(run_task(storage->queue().add(std::move(entry))).value().value());
  }

  log::Capture log{log::Level::debug};
  config::Config config;
  std::unique_ptr<Storage> storage;
  std::optional<Admin> admin;
  int steps = 0;
};

TEST_F(AdminQueueTest, ManyAreListedAndTreatedInSteps) {
  constexpr int kMany = 2'300;
  for (int i = 0; i < kMany; ++i) add(i % 2 ? "ann@example.test" : "", {"u" + std::to_string(i) + "@elsewhere.test"});
  EXPECT_EQ(sum({{"command", "queue.list"}}, "entries"), kMany);
  EXPECT_GE(steps, 3);
  EXPECT_EQ(sum({{"command", "queue.list"}, {"sender", "<>"}}, "entries"), kMany / 2);
  EXPECT_EQ(sum({{"command", "queue.act"}, {"verb", "hold"}, {"sender", "@Example.Test"}}, "messages"), kMany / 2);
  EXPECT_EQ(sum({{"command", "queue.list"}, {"which", "held"}}, "entries"), kMany / 2);
  EXPECT_EQ(sum({{"command", "queue.act"}, {"verb", "delete"}, {"all", true}}, "recipients"), kMany);
  EXPECT_EQ(sum({{"command", "queue.list"}}, "entries"), 0);
  EXPECT_EQ(ask({{"command", "queue.list"}}).at("queue").at("messages").to_number<int>(), 0);
}

TEST_F(AdminQueueTest, RecipientsAreListedUpToABound) {
  std::vector<std::string> to;
  for (int i = 0; i < 350; ++i) to.push_back("u" + std::to_string(i) + "@elsewhere.test");
  add("ann@example.test", to);
  const auto listed = ask({{"command", "queue.list"}, {"recipients", true}}).at("entries").at(0).as_object();
  ASSERT_EQ(listed.at("to").as_array().size(), queue::kListedRecipients);
  EXPECT_EQ(listed.at("to").at(99).at("address"), "u99@elsewhere.test");
  EXPECT_EQ(listed.at("to").at(99).at("state"), "waiting");
  EXPECT_EQ(listed.at("to_more").to_number<int>(), 250);
  EXPECT_FALSE(ask({{"command", "queue.list"}}).at("entries").at(0).as_object().contains("to"));
}

TEST_F(AdminQueueTest, WhatIsTreatedIsTraced) {
  const auto id = add("ann@example.test", {"bob@elsewhere.test"});
  ask({{"command", "queue.act"}, {"verb", "hold"}, {"id", id}});
  EXPECT_EQ(ask({{"command", "queue.show"}, {"id", id}}).at("groups").at(0).at("held"), true);
  const auto traced = ask({{"command", "trace.message"}, {"id", id}});
  EXPECT_EQ(traced.at("queued"), true);
  EXPECT_EQ(traced.at("records").at(0).at("lines").at(0).at("text"), "an operator's word: hold");
}

TEST_F(AdminQueueTest, WrongRequests) {
  add("ann@example.test", {"bob@elsewhere.test"});
  for (const auto& [request, code] : std::initializer_list<std::pair<json::object, const char*>>{
           {{{"command", "queue.act"}, {"verb", "delete"}}, "invalid"},
           {{{"command", "queue.act"}, {"verb", "burn"}, {"all", true}}, "syntax"},
           {{{"command", "queue.act"}, {"all", true}}, "syntax"},
           {{{"command", "queue.list"}, {"id", "x1"}}, "syntax"},
           {{{"command", "queue.list"}, {"position", "?"}}, "syntax"},
           {{{"command", "queue.list"}, {"which", "some"}}, "syntax"},
           {{{"command", "queue.list"}, {"domain", "a.test"}, {"recipient", "@b.test"}}, "syntax"},
           {{{"command", "queue.show"}, {"id", "1"}}, "not_found"},
           {{{"command", "trace.message"}, {"id", "1"}}, "not_found"}})
    ask(request, code);
  EXPECT_EQ(sum({{"command", "queue.list"}}, "entries"), 1);
}

}  // namespace
}  // namespace posthorn::app
