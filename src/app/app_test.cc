// The whole server in this process, on ports the system chooses.
#include "app/app.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/password.h"

namespace posthorn::app {
namespace {

namespace json = boost::json;
using config::Protocol;
using config::TlsMode;

// A client that speaks lines, and waits at most half a minute for each.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  bool connected() const { return connected_; }

  // Empty: the other end has closed.
  std::string line() {
    for (;;) {
      if (const auto end = unread_.find("\r\n"); end != std::string::npos) {
        auto text = unread_.substr(0, end);
        unread_.erase(0, end + 2);
        return text;
      }
      char piece[4096];
      const auto n = ::recv(fd_, piece, sizeof piece, 0);
      if (n <= 0) return {};
      unread_.append(piece, static_cast<std::size_t>(n));
    }
  }
  std::string say(std::string text) {
    text += "\r\n";
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return line();
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string unread_;
};

struct AppTest : testing::Test {
  AppTest() {
    char name[] = "/tmp/posthorn-app-XXXXXX";
    config.hostname = "mail.example.test";
    config.data_dir = std::string(::mkdtemp(name)) + "/data";
    for (const auto protocol : {Protocol::smtp, Protocol::lmtp, Protocol::imap, Protocol::pop3})
      config.listeners.push_back({protocol, {"127.0.0.1", 0, ""}, TlsMode::none, true, false});
    config.settings = {{"auth.password_scheme", std::string("sha256")},
                       {"threads.reactors", std::int64_t{2}},
                       {"storage.min_free_space", std::int64_t{0}}};
    config::apply(config);
  }
  ~AppTest() override {
    app.reset();
    std::filesystem::remove_all(std::filesystem::path(config.data_dir).parent_path());
    config::apply(config::Config{});
  }
  void start() {
    auto started = App::start(config, "test");
    ASSERT_TRUE(started) << started.error().text;
    app = *std::move(started);
  }
  void start_with_account() {
    start();
    ask({{"command", "domain.add"}, {"domain", "example.test"}});
    add("ann@example.test", "secret");
  }
  std::uint16_t port(Protocol protocol) const {
    for (const auto& p : app->server().ports())
      if (p->rules.protocol == protocol) return p->rules.address.port;
    return 0;
  }
  json::object ask(const json::object& request, bool good = true) {
    auto link = AdminLink::open(config);
    if (!link) {
      ADD_FAILURE() << link.error().text;
      return {};
    }
    EXPECT_EQ((*link)->server_runs(), app != nullptr);
    const auto answer = (*link)->ask(json::serialize(request));
    auto object = answer ? json::parse(*answer).as_object() : json::object{};
    EXPECT_EQ(object["ok"], good) << json::serialize(request) << " " << json::serialize(object);
    return object;
  }
  std::string add(const std::string& address, const std::string& password, std::optional<std::uint64_t> quota = {}) {
    json::object account{{"address", address}, {"password", password}};
    if (quota) account["quota"] = *quota;
    auto answer = ask({{"command", "account.add"},
                       {"accounts", json::array{std::move(account)}}});
    auto& result = answer["results"].as_array().front().as_object();
    return result["ok"].as_bool() ? "ok" : std::string(result["code"].as_string());
  }
  void deliver(const std::string& to, const std::string& subject) {
    Client smtp(port(Protocol::smtp));
    EXPECT_TRUE(smtp.line().starts_with("220 "));
    EXPECT_TRUE(smtp.say("HELO client.example").starts_with("250"));
    EXPECT_TRUE(smtp.say("MAIL FROM:<someone@elsewhere.example>").starts_with("250"));
    EXPECT_TRUE(smtp.say("RCPT TO:<" + to + ">").starts_with("250"));
    EXPECT_TRUE(smtp.say("DATA").starts_with("354"));
    EXPECT_TRUE(smtp.say("Subject: " + subject + "\r\n\r\nBody.\r\n.").starts_with("250"));
    EXPECT_TRUE(smtp.say("QUIT").starts_with("221"));
  }
  std::string pop3_count(const std::string& user, const std::string& password) {
    Client pop3(port(Protocol::pop3));
    EXPECT_TRUE(pop3.line().starts_with("+OK"));
    pop3.say("USER " + user);
    return pop3.say("PASS " + password);
  }

  log::Capture log{log::Level::info};
  config::Config config;
  std::unique_ptr<App> app;
};

TEST_F(AppTest, BehindAProxyTheClientIsWhoTheHeaderSays) {
  config.listeners[2].proxy_protocol = true;  // IMAP
  config.listeners[3].proxy_protocol = true;  // POP3, whose proxies are elsewhere
  config.listeners[3].proxies = *IpNetworks::parse("192.0.2.0/24");
  config.settings.emplace_back("limits.connections_per_address", std::int64_t{1});
  config.settings.emplace_back("limits.proxy_timeout", std::int64_t{1});
  config.settings.emplace_back("log.level", std::string("debug"));
  config::apply(config);
  start_with_account();
  Client one(port(Protocol::imap)), two(port(Protocol::imap)), again(port(Protocol::imap));
  EXPECT_TRUE(one.say("PROXY TCP4 203.0.113.1 192.0.2.9 4711 993\r\na1 NOOP").starts_with("* OK"));
  EXPECT_TRUE(one.line().starts_with("a1 OK"));
  EXPECT_TRUE(two.say("PROXY TCP6 2001:db8::5 2001:db8::9 4712 993").starts_with("* OK"));
  EXPECT_TRUE(again.say("PROXY TCP4 203.0.113.1 192.0.2.9 4713 993").starts_with("* BYE"));
  EXPECT_EQ(again.line(), "");
  Client no_header(port(Protocol::imap)), silent(port(Protocol::imap)), stranger(port(Protocol::pop3));
  EXPECT_EQ(no_header.say("a1 LOGIN ann secret"), "");
  EXPECT_EQ(stranger.line(), "");
  EXPECT_EQ(silent.line(), "");  // after its time
  one.say("a2 LOGIN ann@example.test wrong");
  EXPECT_TRUE(log.has("peer=203.0.113.1:4711"));
  EXPECT_TRUE(log.has("peer=[2001:db8::5]:4712"));
  EXPECT_TRUE(log.has("app.not_a_proxy") || log.has("app.too_many_connections"));
  EXPECT_TRUE(log.has("app.proxy_header"));
}

TEST_F(AppTest, MailComesInAndIsReadAndIsThereAfterARestart) {
  start_with_account();
  EXPECT_TRUE(log.has("app.ready version=test"));
  deliver("ann@example.test", "hello");
  EXPECT_EQ(pop3_count("ann@example.test", "secret"), "+OK 1 messages");
  Client imap(port(Protocol::imap));
  EXPECT_TRUE(imap.line().starts_with("* OK"));
  EXPECT_TRUE(imap.say("a LOGOUT").starts_with("* BYE"));
  auto check = ask({{"command", "store.check"}});
  EXPECT_EQ(check["problems"], json::array{});
  EXPECT_EQ(check["messages"], 1);

  EXPECT_TRUE(app->stop());
  app.reset();
  auto list = ask({{"command", "account.list"}, {"usage", true}});  // by the store itself
  ASSERT_EQ(list["accounts"].as_array().size(), 1u);
  EXPECT_EQ(list["accounts"].as_array()[0].as_object()["messages"], 1);
  add("bob@example.test", "other");
  check = ask({{"command", "store.check"}});
  EXPECT_EQ(check["problems"], json::array{});

  start();
  EXPECT_EQ(pop3_count("ann@example.test", "secret"), "+OK 1 messages");
  EXPECT_EQ(pop3_count("bob@example.test", "other"), "+OK 0 messages");
}

TEST_F(AppTest, AccountsAreMadeChangedAndRemovedWithTheirMail) {
  start_with_account();
  EXPECT_EQ(add("ann@example.test", "x"), "exists");
  EXPECT_EQ(add("ann@other.test", "x"), "not_found");
  EXPECT_EQ(add("no address", "x"), "invalid");
  EXPECT_EQ(add("bob@example.test", ""), "invalid");
  EXPECT_EQ(add("bob@example.test", "line\nend"), "invalid");
  EXPECT_EQ(add("bob@example.test", "secret", 1000), "ok");
  auto list = ask({{"command", "account.list"}, {"domain", "example.test"}, {"usage", true}});
  EXPECT_EQ(list["accounts"].as_array()[1].as_object()["quota"], 1000);
  ask({{"command", "account.quota"}, {"address", "bob@example.test"}, {"quota", 2000}, {"messages", 7}, {"mailboxes", 8}});
  ask({{"command", "account.quota"}, {"address", "bob@example.test"}, {"quota", 2000}, {"mailboxes", 9}});
  list = ask({{"command", "account.list"}, {"usage", true}});
  EXPECT_EQ(list["accounts"].as_array()[1].as_object()["quota"], 2000);
  EXPECT_EQ(list["accounts"].as_array()[1].as_object()["messages_quota"], 7);
  EXPECT_EQ(list["accounts"].as_array()[1].as_object()["mailboxes_quota"], 9);
  ask({{"command", "account.quota"}, {"address", "bob@example.test"}, {"messages", 0}, {"mailboxes", nullptr}});
  list = ask({{"command", "account.list"}, {"usage", true}});
  EXPECT_TRUE(list["accounts"].as_array()[1].as_object()["quota"].is_null());
  EXPECT_EQ(list["accounts"].as_array()[1].as_object()["messages_quota"], 0);
  EXPECT_TRUE(list["accounts"].as_array()[1].as_object()["mailboxes_quota"].is_null());

  ask({{"command", "account.password"}, {"address", "ann@example.test"}, {"password", "changed"}});
  EXPECT_TRUE(pop3_count("ann@example.test", "secret").starts_with("-ERR [AUTH]"));
  deliver("ann@example.test", "one");
  EXPECT_EQ(pop3_count("ann@example.test", "changed"), "+OK 1 messages");
  ask({{"command", "alias.add"}, {"address", "info@example.test"}, {"targets", json::array{"ann@example.test"}}});
  deliver("info@example.test", "two");
  EXPECT_EQ(pop3_count("ann@example.test", "changed"), "+OK 2 messages");

  auto removed = ask({{"command", "account.remove"}, {"address", "Ann@example.test"}});
  EXPECT_EQ(removed["aliases_left"], json::array{"info@example.test"});
  EXPECT_TRUE(pop3_count("ann@example.test", "changed").starts_with("-ERR"));
  EXPECT_EQ(add("ann@example.test", "again"), "ok");
  EXPECT_EQ(pop3_count("ann@example.test", "again"), "+OK 0 messages");
  auto check = ask({{"command", "store.check"}});
  EXPECT_EQ(check["problems"], json::array{});
  EXPECT_FALSE(log.has("changed=")) << "passwords are not logged";
}

TEST_F(AppTest, ManyAccountsAtOnce) {
  start_with_account();
  json::array accounts;
  for (int i = 0; i < 300; ++i)
    accounts.push_back(json::object{{"address", "u" + std::to_string(i) + "@example.test"}, {"password", "p" + std::to_string(i)}});
  accounts.push_back(json::object{{"address", "u7@example.test"}, {"password", "again"}});
  auto answer = ask({{"command", "account.add"}, {"accounts", accounts}});
  const auto& results = answer["results"].as_array();
  ASSERT_EQ(results.size(), 301u);
  for (std::size_t i = 0; i < 300; ++i) EXPECT_TRUE(results[i].at("ok").as_bool()) << i;
  EXPECT_EQ(results[300].at("code"), "exists");
  EXPECT_EQ(pop3_count("u299@example.test", "p299"), "+OK 0 messages");
  EXPECT_EQ(pop3_count("u7@example.test", "p7"), "+OK 0 messages");
  auto check = ask({{"command", "store.check"}});
  EXPECT_EQ(check["problems"], json::array{});
  EXPECT_TRUE(run_task(app->storage().directory().pending_ids())->empty());
}

TEST_F(AppTest, WhatACrashLeftOfAnAccountIsRemovedAtTheStart) {
  start_with_account();
  const auto make_orphan = [](Storage& storage) -> Task<Result<AccountId>> {
    CO_TRY(const auto ids, co_await storage.directory().reserve_ids(1));
    CO_TRY_OK(co_await storage.store().create_account(ids.front()));
    co_return ids.front();
  };
  const auto orphan = run_task(make_orphan(app->storage()));
  ASSERT_TRUE(orphan);
  EXPECT_TRUE(run_task(app->storage().store().account(*orphan)));
  app.reset();
  start();
  EXPECT_EQ(run_task(app->storage().store().account(*orphan)).error().code, Errc::not_found);
  EXPECT_TRUE(run_task(app->storage().directory().pending_ids())->empty());
}

TEST_F(AppTest, BadRequestsAreAnswered) {
  start();
  auto link = *AdminLink::open(config);
  for (const std::string request : {"", "{", "[]", "{}", "{\"command\":1}", "{\"command\":\"nonsense\"}", "{\"command\":\"domain.add\"}",
                                    "{\"command\":\"account.add\",\"accounts\":[1]}",
                                    "{\"command\":\"alias.add\",\"address\":\"a@b.c\",\"targets\":[1]}"}) {
    const auto answer = link->ask(request);
    ASSERT_TRUE(answer) << request;
    EXPECT_NE(answer->find("\"ok\":false"), std::string::npos) << request << " " << *answer;
  }
}

TEST_F(AppTest, StatusTellsWhatGoesOn) {
  start_with_account();
  Client pop3(port(Protocol::pop3));
  pop3.line();
  auto status = ask({{"command", "status"}});
  EXPECT_EQ(status["version"], "test");
  EXPECT_EQ(status["listeners"].as_array().size(), 4u);
  EXPECT_EQ(status["metrics"].as_object()["connections.pop3"], 1);
  EXPECT_GT(status["commits"].to_number<int>(), 0);
  app.reset();
  EXPECT_EQ(ask({{"command", "status"}}, false)["code"], "not_found");
}

TEST_F(AppTest, TheDataDirectoryIsUsedByOne) {
  start();
  EXPECT_EQ(Storage::open(config, std::chrono::milliseconds(0)).error().code, Errc::busy);
  struct stat info {};
  ASSERT_EQ(::stat(control_path(config.data_dir).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(config.data_dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  app.reset();
  EXPECT_NE(::stat(control_path(config.data_dir).c_str(), &info), 0);
  EXPECT_TRUE(Storage::open(config, std::chrono::milliseconds(0)));
}

TEST_F(AppTest, APortInUseIsAnError) {
  start();
  auto second = config;
  second.data_dir += "2";
  second.listeners = {{Protocol::pop3, {"127.0.0.1", port(Protocol::pop3), ""}, TlsMode::none, true, false}};
  const auto started = App::start(second, "test");
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text.find("cannot listen"), std::string::npos);
}

TEST_F(AppTest, StoppingEndsIdleSessionsAtOnce) {
  start_with_account();
  Client pop3(port(Protocol::pop3)), imap(port(Protocol::imap)), smtp(port(Protocol::smtp));
  pop3.line();
  imap.line();
  smtp.line();
  EXPECT_TRUE(app->stop());
  EXPECT_TRUE(pop3.line().starts_with("-ERR [SYS/TEMP]"));  // [RFC3206 4]
  EXPECT_TRUE(smtp.line().starts_with("421"));              // [RFC5321 3.8]
  EXPECT_TRUE(imap.line().starts_with("* BYE"));            // [RFC3501 7.1.5]
}

TEST_F(AppTest, TooManyConnectionsFromOneAddress) {
  config.settings.emplace_back("limits.connections_per_address", std::int64_t{2});
  config::apply(config);
  start();
  Client first(port(Protocol::pop3)), second(port(Protocol::smtp));
  EXPECT_TRUE(first.line().starts_with("+OK"));
  EXPECT_TRUE(second.line().starts_with("220"));
  EXPECT_TRUE(Client(port(Protocol::pop3)).line().starts_with("-ERR [SYS/TEMP]"));
  EXPECT_TRUE(Client(port(Protocol::smtp)).line().starts_with("421"));
  EXPECT_TRUE(Client(port(Protocol::imap)).line().starts_with("* BYE"));
  first.say("QUIT");
  EXPECT_EQ(first.line(), "");
  for (int attempt = 0;; ++attempt) {  // the place is given back when the session has ended
    const auto greeting = Client(port(Protocol::pop3)).line();
    if (greeting.starts_with("+OK")) break;
    ASSERT_LT(attempt, 1000);
    ::usleep(10'000);
  }
}

TEST_F(AppTest, AReloadTakesOverSettingsAndCertificate) {
  start();
  auto changed = config;
  changed.settings.emplace_back("pop3.max_errors", std::int64_t{1});
  changed.hostname = "other.example.test";
  EXPECT_TRUE(app->reload(changed));
  EXPECT_TRUE(log.has("app.needs_restart changed=hostname"));
  Client pop3(port(Protocol::pop3));
  pop3.line();
  EXPECT_TRUE(pop3.say("X").starts_with("-ERR"));
  EXPECT_EQ(pop3.line(), "");

  changed.tls = {"/nonexistent.crt", "/nonexistent.key"};
  EXPECT_FALSE(app->reload(changed));
  EXPECT_TRUE(Client(port(Protocol::pop3)).line().starts_with("+OK"));
}

}  // namespace
}  // namespace posthorn::app
