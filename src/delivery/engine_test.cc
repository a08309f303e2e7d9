// Messages from the queue to servers that follow a script, and what becomes of them.
#include "delivery/engine.h"

#include <gtest/gtest.h>

#include <deque>

#include "async/task_group.h"
#include "client/scripted_server_testing.h"
#include "delivery/settings.h"
#include "dns/fake_zone.h"
#include "kv/memory/memory_store.h"
#include "net/listener.h"
#include "queue/settings.h"

namespace posthorn::delivery {
namespace {

using namespace std::chrono_literals;
using queue::State;

constexpr char kMessage[] = "Return-Path: <alice@home.test>\r\nReceived: from there by here\r\nFrom: alice@home.test\r\nSubject: test\r\n\r\nHello.\r\n";
constexpr char kSent[] = "Received: from there by here\r\nFrom: alice@home.test\r\nSubject: test\r\n\r\nHello.\r\n";

// A setting, for as long as a test runs.
struct With {
  With(std::string_view name, SettingValue value) : setting(find_setting(name)) { EXPECT_TRUE(setting->set(value).has_value()) << name; }
  ~With() { setting->reset(); }
  const SettingBase* setting;
};

// An address with one script for each connection; the last one is for all further ones.
class FarHost {
 public:
  FarHost(Reactor& reactor, const std::string& ip, std::uint16_t port, std::vector<std::string> scripts) : reactor_(reactor) {
    for (auto& s : scripts) scripts_.push_back(std::move(s));
    auto opened = net::Listener::open(reactor, {.host = ip, .port = port, .unix_path = {}}, [this](int fd, net::Peer peer) { accept(fd, std::move(peer)); });
    EXPECT_TRUE(opened.has_value()) << ip;
    listener_ = *std::move(opened);
    listener_->start();
  }
  void stop() {
    listener_->stop();
    reactor_.post([this] {
      for (auto& s : sessions_) s->client_left();
    });
    run_task(running_.join());
  }
  std::uint16_t port() const { return listener_->port(); }
  int connections() const { return connections_; }
  std::string complaints() const {
    std::string all;
    for (const auto& s : sessions_) all += s->complaints();
    return all;
  }

 private:
  void accept(int fd, net::Peer peer) {
    ++connections_;
    auto script = scripts_.front();
    if (scripts_.size() > 1) scripts_.pop_front();
    sessions_.push_back(std::make_unique<client::ScriptedServer>(std::make_unique<net::Connection>(fd, std::move(peer)), client::Script{.text = script, .tls = nullptr}));
    running_.spawn(reactor_, sessions_.back()->run());
  }

  Reactor& reactor_;
  std::deque<std::string> scripts_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<client::ScriptedServer>> sessions_;
  TaskGroup running_;
  std::atomic<int> connections_{0};
};

struct EngineTest : testing::Test {
  EngineTest() {
    EXPECT_TRUE(run_task(open()).has_value());
    router.set_relays({});
    reactors.start();
  }
  ~EngineTest() override {
    if (engine) engine->stop(5s);
    queue.close();
    for (auto& host : hosts) host->stop();
    reactors.stop();
    engine.reset();
    store.close();
  }

  Task<Result<void>> open() {
    CO_TRY_OK(co_await blobs.open());
    CO_TRY_OK(co_await store.open());
    CO_TRY_OK(co_await directory.open());
    CO_TRY_OK(co_await directory.add_domain("home.test"));
    CO_TRY(const auto id, co_await directory.add_account("alice@home.test", {}));
    CO_TRY_OK(co_await store.create_account(id));
    alice = id;
    co_return co_await queue.open();
  }

  FarHost& host(const std::string& ip, std::vector<std::string> scripts) {
    hosts.push_back(std::make_unique<FarHost>(reactors.at(0), ip, port, std::move(scripts)));
    if (port == 0) {
      port = hosts.back()->port();
      at_port.emplace("delivery.port", SettingValue(std::int64_t{port}));
    }
    return *hosts.back();
  }

  void start() {
    queue.start();
    EngineParts parts{.queue = queue, .store = store, .directory = directory, .resolver = zone, .router = router, .paces = paces, .forwarder = forwarder,
                      .trace = trace, .sts = nullptr, .hostname = "home.test", .our_addresses = {}, .tls = [] { return *net::TlsContext::client_insecure(); },
                      .signatures = &signatures};
    engine = std::make_unique<Engine>(reactors, std::move(parts));
    engine->start();
  }

  queue::EntryId add(std::vector<std::string> recipients, std::string sender = "alice@home.test", queue::MailOptions options = {}) {
    return run_task(add_task(std::move(recipients), std::move(sender), std::move(options)));
  }
  Task<queue::EntryId> add_task(std::vector<std::string> recipients, std::string sender, queue::MailOptions options) {
    auto draft = blobs.begin();
    auto written = co_await draft.write(kMessage);
    EXPECT_TRUE(written.has_value());
    queue::NewEntry entry{.bytes = std::move(draft).seal(), .entry = {}, .recipients = {}};
    entry.entry.reverse_path = std::move(sender);
    entry.entry.prefix = std::string_view(kMessage).find("Received");
    entry.entry.options = std::move(options);
    entry.entry.origin.ours = true;
    for (auto& r : recipients) {
      queue::Recipient to;
      to.forward_path = std::move(r);
      entry.recipients.push_back(std::move(to));
    }
    auto added = co_await queue.add(std::move(entry));
    EXPECT_TRUE(added.has_value());
    co_return *added;
  }

  // The recipients that are still in the queue, once there was an attempt; none: it has left it.
  std::vector<queue::Recipient> after_attempt(queue::EntryId id, std::uint32_t attempts = 1) {
    for (int i = 0; i < 3000; ++i) {
      auto shown = run_task(queue.show(id, {}));
      if (!shown) return {};
      std::vector<queue::Recipient> out;
      bool all = true;
      for (const auto& g : shown->groups) {
        all = all && g.group.attempts >= attempts && !g.in_flight;
        out.insert(out.end(), g.group.recipients.begin(), g.group.recipients.end());
      }
      if (all) return out;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "no attempt was made";
    return {};
  }
  std::uint32_t inbox() {
    const auto look = [](store::MailStore& s, AccountId id) -> Task<std::uint32_t> {
      auto account = co_await s.account(id);
      co_return (*account)->find_mailbox("INBOX")->messages;
    };
    return run_task(look(store, alice));
  }
  std::uint32_t wait_for_inbox(std::uint32_t count) {
    for (int i = 0; i < 3000 && inbox() < count; ++i) std::this_thread::sleep_for(10ms);
    return inbox();
  }

  With loopback{"delivery.allow_loopback", SettingValue(true)}, reply{"delivery.reply_timeout", SettingValue(std::string("2 s"))},
      final_answer{"delivery.final_timeout", SettingValue(std::string("2 s"))}, connect{"delivery.connect_timeout", SettingValue(std::string("2 s"))},
      idle{"delivery.idle_connection", SettingValue(std::string("1 s"))};
  std::optional<With> at_port;
  kv::MemoryStore kv;
  WorkerPool workers{1};
  blob::Blobs blobs{kv};
  store::MailStore store{kv, blobs, workers};
  auth::Directory directory{kv};
  dns::FakeZone zone{"far.test MX 10 mx.far.test\nmx.far.test A 127.0.0.2\ntwo.test MX 10 a.two.test\ntwo.test MX 20 b.two.test\n"
                     "a.two.test A 127.0.0.2\nb.two.test A 127.0.0.3\nnull.test MX 0 .\nself.test MX 10 home.test\nhome.test A 127.0.0.5\n"
                     "fail broken.test MX servfail\nlocal.test MX 10 lo.local.test\nlo.local.test A 10.0.0.1\n"};
  Router router{[](std::string_view domain) { return domain == "home.test"; }};
  Paces paces;
  Forwarder forwarder{router, "0123456789abcdef"};
  Trace trace{kv};
  Signatures signatures{directory, workers};
  queue::Queue queue{kv, blobs,
                     {.destination = [this](const queue::Entry& e, const queue::Recipient& r) { return router.way(e, r).key(); },
                      .limits = [this](const std::string& d) { return paces.limits(d); }}};
  ReactorPool reactors{1};
  std::unique_ptr<Engine> engine;
  std::vector<std::unique_ptr<FarHost>> hosts;
  std::uint16_t port = 0;
  AccountId alice;
};

const std::string kHello = "S: 220 far.test\nC: EHLO home.test\nS: 250 far.test\n";
const std::string kEnvelope = "C: MAIL FROM:<alice@home.test>\nS: 250 ok\nC: RCPT TO:<bob@far.test>\nS: 250 ok\n";
std::string content() {
  std::string out = "C: DATA\nS: 354 go\n";
  std::string_view rest = kSent;
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    out += end == 0 ? "C: \n" : "C: " + std::string(rest.substr(0, end)) + "\n";
    rest.remove_prefix(end + 2);
  }
  return out + "C: .\n";
}
const std::string kTaken = kHello + kEnvelope + content() + "S: 250 taken\nC: QUIT\nS: 221 bye\n";

TEST_F(EngineTest, SendsAndIsDone) {
  auto& far = host("127.0.0.2", {kTaken});
  start();
  const auto id = add({"bob@far.test"});
  EXPECT_TRUE(after_attempt(id).empty());
  EXPECT_EQ(far.complaints(), "");
  EXPECT_EQ(inbox(), 0u);
  auto kept = [](Trace& t, queue::EntryId i) -> Task<std::vector<TraceRecord>> {
    co_await t.flush();
    auto records = co_await t.of_message(i);
    auto by_address = co_await t.of_address("BOB@far.test");
    EXPECT_EQ(*by_address, std::vector<queue::EntryId>{i});
    co_return *records;
  };
  const auto records = run_task(kept(trace, id));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].recipients, std::vector<std::string>{"bob@far.test"});
  bool said = false;
  for (const auto& line : records[0].lines) said = said || (line.kind == DialogueLine::Kind::sent && line.text.starts_with("RCPT TO:<bob@far.test>"));
  EXPECT_TRUE(said);
}

// Keys whose rows are damaged.
Task<bool> spoil_keys(auth::Directory& directory, kv::Store& kv) {
  std::vector<crypto::NamedKey> keys{{"one", std::make_shared<const crypto::SigningKey>(*crypto::SigningKey::generate(crypto::KeyAlgorithm::ed25519))}};
  const auto added = co_await directory.add_dkim_keys("home.test", std::move(keys));
  const auto found = co_await kv.scan(kv::Range{kv::Space::directory, 0, "", "\xff", 1000});
  kv::Batch batch;
  for (const auto& row : found->rows)
    if (row.key.ends_with("one")) batch.put(kv::Space::directory, 0, std::string(row.key), "damaged");
  const auto committed = co_await kv.commit(std::move(batch));
  co_return added && committed;
}

TEST_F(EngineTest, WhatCannotBeSignedWaitsOrGoesUnsigned) {
  const With slow("queue.retry_first", SettingValue(std::string("1 h")));
  ASSERT_TRUE(run_task(spoil_keys(directory, kv)));
  host("127.0.0.2", {kHello + "C: QUIT\nS: 221 bye\n"});
  ASSERT_TRUE(zone.load("other.test MX 10 mx.other.test\nmx.other.test A 127.0.0.3\n").has_value());
  auto script = kTaken;
  script.replace(script.find("bob@far.test"), 12, "bob@other.test");
  auto& other = host("127.0.0.3", {script});
  start();
  const auto left = after_attempt(add({"bob@far.test"}));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].state, State::waiting);
  EXPECT_EQ(left[0].last.enhanced, (smtp::EnhancedCode{4, 3, 5}));
  EXPECT_TRUE(left[0].last.text.starts_with("the message cannot be signed")) << left[0].last.text;
  const With anyway("dkim.trouble", SettingValue(std::string("send")));
  EXPECT_TRUE(after_attempt(add({"bob@other.test"})).empty());
  EXPECT_EQ(other.complaints(), "");
}

struct BadLuck {
  const char* name;
  std::string script;
  State state;      // waiting, or failed: then it is reported
  int code;
};

// One attempt at one host.
TEST_F(EngineTest, BadLuck) {
  const std::vector<struct BadLuck> cases{
      {"greeting hangs", "HANG\n", State::waiting, 0},
      {"greeting is closed", "CLOSE\n", State::waiting, 0},
      {"greeting is garbage", "s: \\x01\\x02\\x03 nonsense\\r\\n\nHANG\n", State::waiting, 0},
      {"greeting 421", "S: 421 later\nHANG\n", State::waiting, 421},
      {"greeting 554", "S: 554 go away\nHANG\n", State::waiting, 554},
      {"greeting 521", "S: 521 no mail here\nHANG\n", State::failed, 521},
      {"EHLO hangs", "S: 220 far\nC: EHLO home.test\nHANG\n", State::waiting, 0},
      {"MAIL 451", kHello + "C: MAIL FROM:<alice@home.test>\nS: 451 later\nHANG\n", State::waiting, 451},
      {"MAIL 550", kHello + "C: MAIL FROM:<alice@home.test>\nS: 550 not you\nHANG\n", State::failed, 550},
      {"RCPT 450", kHello + "C: MAIL FROM:<alice@home.test>\nS: 250 ok\nC: RCPT TO:<bob@far.test>\nS: 450 greylisted\nHANG\n", State::waiting, 450},
      {"RCPT 550", kHello + "C: MAIL FROM:<alice@home.test>\nS: 250 ok\nC: RCPT TO:<bob@far.test>\nS: 550 nobody\nHANG\n", State::failed, 550},
      {"RCPT is dropped", kHello + "C: MAIL FROM:<alice@home.test>\nS: 250 ok\nC: RCPT TO:<bob@far.test>\nCLOSE\n", State::waiting, 0},
      {"DATA hangs", kHello + kEnvelope + "C: DATA\nHANG\n", State::waiting, 0},
      {"dropped in the message", kHello + kEnvelope + "C: DATA\nS: 354 go\nC: Received: from there by here\nCLOSE\n", State::waiting, 0},
      {"dropped behind the final dot", kHello + kEnvelope + content() + "CLOSE\n", State::waiting, 0},
      {"final dot hangs", kHello + kEnvelope + content() + "HANG\n", State::waiting, 0},
      {"final dot 452", kHello + kEnvelope + content() + "S: 452 full\nHANG\n", State::waiting, 452},
      {"final dot 554", kHello + kEnvelope + content() + "S: 554 spam\nHANG\n", State::failed, 554},
  };
  const With slow("queue.retry_first", SettingValue(std::string("1 h")));
  // Each case is a domain of its own, so that one does not slow the others down.
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto name = "case" + std::to_string(i) + ".test";
    EXPECT_TRUE(zone.load(name + " MX 10 mx." + name + "\nmx." + name + " A 127.0.1." + std::to_string(i + 1) + "\n").has_value());
  }
  std::uint32_t reports = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& c = cases[i];
    const auto domain = "case" + std::to_string(i) + ".test";
    auto script = c.script;
    for (auto at = script.find("bob@far.test"); at != script.npos; at = script.find("bob@far.test")) script.replace(at, 12, "bob@" + domain);
    host("127.0.1." + std::to_string(i + 1), {script});
    if (i == 0) start();
    const auto id = add({"bob@" + domain});
    const auto left = after_attempt(id);
    if (c.state == State::failed) {
      EXPECT_TRUE(left.empty()) << c.name;
      EXPECT_EQ(wait_for_inbox(reports + 1), reports + 1) << c.name;
      ++reports;
      continue;
    }
    ASSERT_EQ(left.size(), 1u) << c.name;
    EXPECT_EQ(left[0].state, State::waiting) << c.name;
    EXPECT_EQ(left[0].last.code, c.code) << c.name << ": " << left[0].last.text;
    EXPECT_EQ(inbox(), reports) << c.name;
  }
}

TEST_F(EngineTest, TakesTheNextHostWhenTheFirstSaysNotNow) {
  for (const std::string first : {"S: 421 later\nHANG\n", "S: 554 go away\nHANG\n", "HANG\n", "CLOSE\n"}) {
    auto& a = host("127.0.0.2", {first});
    auto script = kTaken;
    script.replace(script.find("bob@far.test"), 12, "bob@two.test");
    auto& b = host("127.0.0.3", {script});
    if (!engine) start();
    const auto id = add({"bob@two.test"});
    EXPECT_TRUE(after_attempt(id).empty()) << first;
    EXPECT_EQ(a.connections(), 1) << first;
    EXPECT_EQ(b.complaints(), "") << first;
    for (auto& h : hosts) h->stop();
    hosts.clear();
    std::this_thread::sleep_for(1200ms);  // idle connections are closed
  }
}

TEST_F(EngineTest, WhatCanNeverArriveComesBack) {
  at_port.emplace("delivery.port", SettingValue(std::int64_t{1}));
  start();
  std::uint32_t reports = 0;
  for (const char* domain : {"null.test", "nowhere.test", "self.test", "local.test"}) {
    const auto id = add({"bob@" + std::string(domain)});
    EXPECT_TRUE(after_attempt(id).empty()) << domain;
    ++reports;
    EXPECT_EQ(wait_for_inbox(reports), reports) << domain;
  }
  const auto id = add({"bob@broken.test"});
  EXPECT_EQ(after_attempt(id).size(), 1u);
}

TEST_F(EngineTest, NobodyAnswersTheNullReversePath) {
  at_port.emplace("delivery.port", SettingValue(std::int64_t{1}));
  start();
  const auto id = add({"bob@null.test"}, "");
  EXPECT_TRUE(after_attempt(id).empty());
  // The notice to the postmaster finds no such user, and that is the end.
  for (int i = 0; i < 500 && queue.stats().entries > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(queue.stats().entries, 0u);
  EXPECT_EQ(inbox(), 0u);
}

// [RFC2852 4.1.4] Of each hop, where he asks for it or where the next host does not know the time.
TEST_F(EngineTest, WhoHasSetATimeHearsOfHops) {
  const queue::DeliverBy notify{.by = now() + 1h, .return_if_late = false, .trace = false};
  const std::string reports = "S: 220 far.test\nC: EHLO home.test\nS: 250-far.test\nS: 250 DSN\nC: MAIL FROM:<alice@home.test>\nS: 250 ok\n"
                              "C: RCPT TO:<bob@two.test>\nS: 250 ok\n" + content() + "S: 250 taken\nC: QUIT\nS: 221 bye\n";
  host("127.0.0.2", {kTaken, reports});
  start();
  EXPECT_TRUE(after_attempt(add({"bob@far.test"}, "alice@home.test", {.deliver_by = notify})).empty());
  EXPECT_EQ(wait_for_inbox(1), 1u);
  EXPECT_TRUE(after_attempt(add({"bob@two.test"}, "alice@home.test", {.deliver_by = notify})).empty());
  EXPECT_EQ(wait_for_inbox(2), 2u);
}

TEST(Audience, OfARelayedMessageWithATime) {
  using enum message::DsnAction;
  using message::Audience;
  const queue::DeliverBy traced{.by = now(), .return_if_late = true, .trace = true}, notify{.by = now(), .return_if_late = false, .trace = false},
      plain{.by = now(), .return_if_late = true, .trace = false};
  const smtp::Notify never{.never = true}, failure{.failure = true};
  const struct {
    std::optional<queue::DeliverBy> by;
    std::optional<smtp::Notify> asked;
    std::string sender;
    Audience relayed;
  } cases[] = {{traced, {}, "a@home.test", Audience::sender},      {notify, {}, "a@home.test", Audience::sender}, {plain, {}, "a@home.test", Audience::nobody},
               {{}, {}, "a@home.test", Audience::nobody},          {traced, never, "a@home.test", Audience::nobody},
               {traced, failure, "a@home.test", Audience::sender}, {traced, {}, "", Audience::nobody}};
  for (const auto& c : cases) {
    queue::Entry entry;
    entry.reverse_path = c.sender;
    entry.options.deliver_by = c.by;
    queue::Recipient to;
    to.options.notify = c.asked;
    EXPECT_EQ(audience_of(entry, to, relayed), c.relayed);
    EXPECT_EQ(audience_of(entry, to, delivered), Audience::nobody);
  }
}

TEST_F(EngineTest, LocalRecipientsGetTheirs) {
  at_port.emplace("delivery.port", SettingValue(std::int64_t{1}));
  start();
  const auto id = add({"Alice@home.test"}, "bob@far.test");
  EXPECT_TRUE(after_attempt(id).empty());
  EXPECT_EQ(wait_for_inbox(1), 1u);
}

// A store that takes nothing for one account.  `written`: it does, and says otherwise.
kv::MemoryFaults refuse(AccountId id, std::atomic<int>& refused, bool written) {
  const auto fault = [id, &refused](const kv::Batch& batch) -> Result<void> {
    for (const auto& op : batch.ops()) {
      if (op.space != kv::Space::mailbox || op.partition != id.value()) continue;
      ++refused;
      return fail(Errc::io, "the disk is broken");
    }
    return {};
  };
  if (written) return {.before_commit = {}, .after_commit = fault};
  return {.before_commit = fault, .after_commit = {}};
}

// [RFC5321 4.5.4.1] As elsewhere: growing steps, a report in the end, and nothing before it.
TEST_F(EngineTest, AMailboxThatCannotBeWrittenIsTriedAsOthersAre) {
  ManualClock clock{SysTime(1'800'000'000'000ms)};
  const auto bob = run_task(directory.add_account("bob@home.test", {}));
  ASSERT_TRUE(bob && run_task(store.create_account(*bob)));
  std::atomic<int> refused = 0;
  kv.set_faults(refuse(*bob, refused, false));
  const With first("queue.retry_first", SettingValue(std::string("3 min"))), warning("queue.delay_warning", SettingValue(std::string("0 s")));
  start();
  const auto id = add({"bob@home.test"});
  auto waited = 0min;
  std::uint32_t attempts = 1;
  for (;; ++attempts) {
    const auto left = after_attempt(id, attempts);
    if (left.empty()) break;
    ASSERT_LT(attempts, 100u);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].state, State::waiting);
    EXPECT_EQ(left[0].last.enhanced, (smtp::EnhancedCode{4, 3, 0}));
    EXPECT_EQ(refused, static_cast<int>(attempts));  // and not more often
    EXPECT_EQ(inbox(), 0u);
    const auto next = run_task(queue.show(id, {}))->groups.at(0).group.due - now();
    const auto step = std::min<std::chrono::milliseconds>(3min * (1 << std::min(attempts - 1, 10u)), 2h);
    EXPECT_LE(next, step * 6 / 5);
    if (waited < 117h) EXPECT_GE(next, step * 4 / 5);
    waited += std::chrono::ceil<std::chrono::minutes>(next);
    clock.advance(std::chrono::ceil<std::chrono::minutes>(next));
    queue.look_again();
  }
  EXPECT_GE(waited, 120h);
  EXPECT_GT(attempts, 50u);
  EXPECT_EQ(wait_for_inbox(1), 1u);  // of whoever sent it
}

TEST_F(EngineTest, AMailboxThatWasWrittenAfterAllIsNotWrittenTwice) {
  std::atomic<int> refused = 0;
  kv.set_faults(refuse(alice, refused, true));
  start();
  EXPECT_TRUE(after_attempt(add({"alice@home.test"}, "bob@far.test")).empty());
  EXPECT_EQ(refused, 1);
  kv.set_faults({});
  engine->stop(5s);
  store.close();
  store::MailStore reopened{kv, blobs, workers};
  const auto count = [](store::MailStore& s, AccountId id) -> Task<std::uint32_t> {
    const auto opened = co_await s.open();
    EXPECT_TRUE(opened.has_value());
    auto account = co_await s.account(id);
    co_return (*account)->find_mailbox("INBOX")->messages;
  };
  EXPECT_EQ(run_task(count(reopened, alice)), 1u);
  reopened.close();
}

TEST_F(EngineTest, StopLetsATransactionFinish) {
  auto script = kHello + kEnvelope + content() + "WAIT\nWAIT\nWAIT\nWAIT\nWAIT\nWAIT\nWAIT\nWAIT\nWAIT\nWAIT\nS: 250 taken\nC: QUIT\n";
  auto& far = host("127.0.0.2", {script});
  start();
  const auto id = add({"bob@far.test"});
  for (int i = 0; i < 1000 && far.connections() == 0; ++i) std::this_thread::sleep_for(5ms);
  std::this_thread::sleep_for(50ms);
  engine->stop(10s);
  const auto shown = run_task(queue.show(id, {}));
  EXPECT_FALSE(shown.has_value()) << "it was taken, and is settled";
}

}  // namespace
}  // namespace posthorn::delivery
