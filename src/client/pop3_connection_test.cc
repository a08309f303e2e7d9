#include "client/pop3_connection.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/scripted_server_testing.h"
#include "net/certificate_testing.h"

namespace posthorn::client {
namespace {

struct Spy final : Pop3Sink {
  Result<void> begin(std::uint32_t number) override {
    seen += std::to_string(number) + ":";
    return {};
  }
  Result<void> put(std::string_view piece) override {
    if (seen.size() > fail_at) return fail(Errc::no_space, "the disk is full");
    seen += piece;
    return {};
  }
  Task<Result<void>> end(std::uint32_t) override {
    seen += "|";
    ++whole;
    co_return Result<void>{};
  }
  Result<void> refused(std::uint32_t number, const pop3::Reply& reply) override {
    seen += std::to_string(number) + "-" + reply.text + "|";
    return {};
  }
  std::string seen;
  int whole = 0;
  std::size_t fail_at = ~std::size_t{0};
};

struct Played {
  std::string outcome, complaints, transcript;
  Errc code{};
};

using Act = std::function<Task<Result<void>>(Pop3Connection&)>;

Pop3Options plain() {
  Pop3Options out;
  out.tls = TlsMode::none;
  out.host = "pop.example";
  return out;
}
Pop3Options with_password(bool shown) {
  auto out = plain();
  out.credentials = Credentials{.user = "joe",
                                .authorize_as = {},
                                .password = "secret",
                                .token = {},
                                .external = false,
                                .allow_plaintext = shown};
  return out;
}

Task<Result<void>> nothing(Pop3Connection&) { co_return Result<void>{}; }

Task<Result<void>> converse(Pop3Connection& connection, std::unique_ptr<net::Connection> stream,
                            const Act& act) {
  CO_TRY_OK(co_await connection.open(std::move(stream)));
  co_return co_await act(connection);
}

Task<Played> run(Pop3Options options, Script script, const Act& act) {
  auto pair = net::make_connection_pair();
  Played played;
  options.transcript = [&played](const TranscriptLine& line) {
    played.transcript += std::string(line.text) + "\n";
  };
  ScriptedServer server(std::move(pair.first), std::move(script));
  TaskGroup group;
  group.spawn(Reactor::current(), server.run());
  {
    Pop3Connection connection(std::move(options));
    auto done = co_await converse(connection, std::move(pair.second), act);
    played.outcome = done ? "done" : done.error().text;
    if (!done) played.code = done.error().code;
  }
  server.client_left();
  co_await group.join();
  played.complaints = server.complaints();
  co_return played;
}

Played play(Pop3Options options, std::string text, Act act = nothing) {
  for (const bool byte_by_byte : {false, true}) {
    auto played = run_task(run(options, {.text = text, .tls = {}, .byte_by_byte = byte_by_byte}, act));
    EXPECT_EQ(played.complaints, "") << text;
    if (byte_by_byte) return played;
  }
  return {};
}

constexpr const char* kOpening = "S: +OK hello\nC: CAPA\nS: +OK\nS: UIDL\nS: PIPELINING\nS: .\n";

TEST(Pop3Connection, SignsInByTheBestWayThatIsOffered) {
  struct Case {
    std::string script;
    bool shown;
    std::string outcome;
  };
  const std::string kAgain = "C: CAPA\nS: -ERR\n";
  for (const auto& c : {
           Case{"S: +OK\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: AUTH PLAIN AGpvZQBzZWNyZXQ=\nS: +OK\n" +
                    kAgain,
                true, "done"},
           Case{"S: +OK\nC: CAPA\nS: -ERR what?\nC: USER joe\nS: +OK\nC: PASS secret\nS: +OK\n" + kAgain,
                true, "done"},
           Case{"S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .\nC: USER joe\nS: +OK\nC: PASS secret\nS: -ERR "
                "wrong\nC: QUIT\n",
                true, "pop.example: the sign-in was refused: \"wrong\""},
           Case{"S: +OK\nC: CAPA\nS: +OK\nS: USER\nS: .\nC: USER joe\nS: +OK\nC: PASS secret\nS: -ERR "
                "[IN-USE] locked\nC: QUIT\n",
                true, "pop.example: the sign-in was refused: \"[IN-USE] locked\""},
           Case{"S: +OK <1@x>\nC: CAPA\nS: +OK\nS: USER\nS: SASL PLAIN\nS: .\n", false,
                "pop.example: the password is not shown where nothing is encrypted, and the server offers no "
                "other way to sign in"},
       }) {
    const auto played = play(with_password(c.shown), c.script);
    EXPECT_EQ(played.outcome, c.outcome) << c.script;
    EXPECT_EQ(played.transcript.find("secret"), std::string::npos);
    EXPECT_EQ(played.transcript.find("c2Vjcm"), std::string::npos);
  }
}

TEST(Pop3Connection, UsesApopOnlyWhenAllowedAndNothingBetterIsThere) {
  auto options = with_password(false);
  options.credentials->user = "mrose";
  options.credentials->password = "tanstaaf";
  options.apop = true;
  // [RFC1939 7]
  const auto played = play(options,
                           "S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\nC: CAPA\nS: -ERR\n"
                           "C: APOP mrose c4c9334bac560ecc979e58001b3e22fb\nS: +OK\nC: CAPA\nS: -ERR\n");
  EXPECT_EQ(played.outcome, "done");
}

Task<Result<void>> list_all(Pop3Connection& c) {
  CO_TRY(const auto drop, co_await c.stat());
  EXPECT_EQ(drop.messages, 2u);
  CO_TRY(const auto listing, co_await c.list());
  EXPECT_EQ(listing, (std::vector<pop3::Listing>{{1, 10}, {2, 20}}));
  CO_TRY(const auto ids, co_await c.unique_ids());
  EXPECT_TRUE(ids);
  if (ids) EXPECT_EQ(*ids, (std::vector<pop3::UniqueId>{{1, "a"}, {2, "..b"}}));
  co_return co_await c.quit();
}

TEST(Pop3Connection, Lists) {
  const auto played = play(plain(),
                           std::string(kOpening) +
                               "C: STAT\nS: +OK 2 30\nC: LIST\nS: +OK\nS: 1 10\nS: 2 20 extra\nS: .\n"
                               "C: UIDL\nS: +OK\nS: 1 a\nS: 2 ..b\nS: .\nC: QUIT\nS: +OK bye\n",
                           list_all);
  EXPECT_EQ(played.outcome, "done");
}

Task<Result<void>> list_only(Pop3Connection& c) {
  CO_TRY_OK(co_await c.list());
  co_return Result<void>{};
}
Task<Result<void>> ids_only(Pop3Connection& c) {
  CO_TRY(const auto ids, co_await c.unique_ids());
  if (!ids) co_return fail(Errc::unsupported, "no UIDL");
  co_return Result<void>{};
}

TEST(Pop3Connection, RefusesListingsThatLie) {
  struct Case {
    std::string answer;
    Act act;
    Errc code;
  };
  const std::string endless = "S: +OK\nS: 1 " + std::string(5000, 'x') + "\nS: .\n";
  for (const auto& c : {Case{"C: LIST\nS: +OK\nS: 1 10\nS: 1 20\nS: .\n", list_only, Errc::syntax},
                        Case{"C: LIST\nS: +OK\nS: 0 10\nS: .\n", list_only, Errc::syntax},
                        Case{"C: LIST\nS: +OK\nS: one\nS: .\n", list_only, Errc::syntax},
                        Case{"C: LIST\n" + endless, list_only, Errc::limit},
                        Case{"C: LIST\nS: * garbage\n", list_only, Errc::syntax},
                        Case{"C: LIST\nS: -ERR [SYS/TEMP] later\n", list_only, Errc::busy},
                        Case{"C: UIDL\nS: -ERR not now\n", ids_only, Errc::invalid},  // it has offered UIDL
                        Case{"C: UIDL\nS: +OK\nS: 1\nS: .\n", ids_only, Errc::syntax},
                        Case{"C: UIDL\nS: +OK\nS: 1 a\nCLOSE\n", ids_only, Errc::closed}}) {
    const auto played = play(plain(), kOpening + c.answer, c.act);
    EXPECT_EQ(played.code, c.code) << c.answer.substr(0, 60) << played.outcome;
  }
}

TEST(Pop3Connection, BoundsWhatAListingTakes) {
  for (const bool by_bytes : {false, true}) {
    auto options = plain();
    (by_bytes ? options.limits.listing_bytes : options.limits.listing) = by_bytes ? 20 : 2;
    const auto played =
        play(options, std::string(kOpening) + "C: UIDL\nS: +OK\nS: 1 aaaaaaa\nS: 2 bbbbbbb\nS: 3 ccccccc\n",
             ids_only);
    EXPECT_EQ(played.code, Errc::limit) << played.outcome;
  }
}

struct Retrieve {
  std::shared_ptr<Spy> spy = std::make_shared<Spy>();
  std::vector<std::uint32_t> numbers = {1, 2, 3};
  Task<Result<void>> operator()(Pop3Connection& c) const { return c.retrieve(numbers, *spy); }
};

constexpr const char* kThree =
    "C: RETR 1\nC: RETR 2\nC: RETR 3\nS: +OK 9999 octets\nS: a: b\ns: \\r\\n\nS: ..dot\nS: ...\nS: .\nS: "
    "-ERR "
    "gone\nS: +OK\ns: nul\\0 and bare\\n.\\n\\r.\\r\\n.\\r\\n\nC: NOOP\nS: +OK\n";

TEST(Pop3Connection, StreamsMessagesWithoutTheirDots) {
  Retrieve act;
  const auto played = play(plain(), std::string(kOpening) + kThree, act);
  EXPECT_EQ(played.outcome, "done");
  const std::string want =
      "1:a: b\r\n\r\n.dot\r\n..\r\n|2-gone|3:" + std::string("nul\0 and bare\n.\n\r.\r\n", 20) + "|";
  EXPECT_EQ(act.spy->seen, want + want);  // cut in two ways
}

TEST(Pop3Connection, WaitsForEachAnswerWithoutPipelining) {
  auto options = plain();
  options.pipelining = false;
  Retrieve act;
  act.numbers = {1, 2};
  const auto played =
      play(options,
           std::string(kOpening) +
               "C: RETR 1\nS: +OK\nS: x\nS: .\nC: RETR 2\nS: +OK\nS: y\nS: .\nC: NOOP\nS: +OK\n",
           act);
  EXPECT_EQ(played.outcome, "done");
}

// A server that does not double the dots at the beginnings of lines.
TEST(Pop3Connection, BelievesAMessageWholeWhenAnAnswerFollowsIt) {
  for (const std::string last : {"", "C: NOOP\n"}) {
    Retrieve act;
    act.numbers = {1};
    if (last.empty()) act.numbers = {1, 2};
    const auto script = std::string(kOpening) + (last.empty() ? "C: RETR 1\nC: RETR 2\n" : "C: RETR 1\n") +
                        "S: +OK\nS: above\nS: .\n" + last + "S: below\nS: .\n";
    const auto played = run_task(run(plain(), {.text = script, .tls = {}}, act));
    EXPECT_EQ(played.code, Errc::syntax) << played.outcome;
    EXPECT_EQ(act.spy->whole, 0);
    EXPECT_NE(played.outcome.find("message 1,"), std::string::npos) << played.outcome;
  }
}

TEST(Pop3Connection, BelievesNoTopThatGarbageFollows) {
  const auto spy = std::make_shared<Spy>();
  const auto act = [spy](Pop3Connection& c) {
    static constexpr std::uint32_t kNumbers[] = {1};
    return c.top(kNumbers, 50, *spy);
  };
  const auto played =
      play(plain(), std::string(kOpening) + "C: TOP 1 50\nS: +OK\nS: above\nS: .\nC: NOOP\nS: below\nS: .\n", act);
  EXPECT_EQ(played.code, Errc::syntax) << played.outcome;
  EXPECT_EQ(spy->whole, 0);
}

// A server that passes on what it has stored: "text<LF>" and its ".<CRLF>".
TEST(Pop3Connection, TakesADotBehindABareLineFeedForTheEndWhenNothingFollows) {
  auto options = plain();
  options.timeouts.block = std::chrono::seconds(2);
  Retrieve act;
  act.numbers = {1, 2};
  options.pipelining = false;
  const auto played = play(options,
                           std::string(kOpening) +
                               "C: RETR 1\nS: +OK\ns: a\\r\\ntail\\n.\\r\\n\nC: RETR 2\nS: +OK\ns: "
                               "\\n.\\r\\n\nC: NOOP\nS: +OK\n",
                           act);
  EXPECT_EQ(played.outcome, "done");
  EXPECT_EQ(act.spy->seen, "1:a\r\ntail\n|2:\n|1:a\r\ntail\n|2:\n|");  // cut in two ways
}

TEST(Pop3Connection, ReadsOnBehindALoneDotThatIsInTheMiddle) {
  for (const bool pipelining : {false, true}) {
    auto options = plain();
    options.pipelining = pipelining;
    Retrieve act;
    act.numbers = {1, 2};
    const std::string first = "S: +OK\ns: a\\n.\\r\\n-ERx\\n.\\r\\n..\\r\\n.\\r\\n\n", second = "C: RETR 2\n";
    const auto played = play(options,
                             std::string(kOpening) + "C: RETR 1\n" + (pipelining ? second + first : first + second) +
                                 "S: +OK\nS: b\nS: .\nC: NOOP\nS: +OK\n",
                             act);
    EXPECT_EQ(played.outcome, "done");
    EXPECT_EQ(act.spy->whole, 4);
    EXPECT_TRUE(act.spy->seen.starts_with("1:a\n.\r\n-ERx\n.\r\n.\r\n|2:b\r\n|")) << act.spy->seen;
  }
}

TEST(Pop3Connection, NeverTakesTwoMessagesForOne) {
  for (const std::string next : {"+OK", "-ERR gone", "+ok", "-Err gone"}) {
    Retrieve act;
    act.numbers = {1, 2};
    const auto script = std::string(kOpening) + "C: RETR 1\nC: RETR 2\nS: +OK\ns: tail\\n.\\r\\n\nS: " + next +
                        "\nS: other\nS: .\nHANG\n";
    for (const bool byte_by_byte : {false, true}) {
      const auto played = run_task(run(plain(), {.text = script, .tls = {}, .byte_by_byte = byte_by_byte}, act));
      EXPECT_EQ(played.code, Errc::syntax) << played.outcome;
      EXPECT_EQ(act.spy->whole, 0);
    }
  }
}

TEST(Pop3Connection, AsksForIdsAlongWithCapabilities) {
  auto options = plain();
  options.ids_at_once = true;
  options.credentials = Credentials{.user = "joe", .password = "secret", .allow_plaintext = true};
  const auto act = [](Pop3Connection& c) -> Task<Result<void>> {
    CO_TRY(const auto ids, co_await c.unique_ids());
    EXPECT_EQ(ids->size(), 1u);
    co_await c.leave();
    co_return Result<void>{};
  };
  const auto played = play(options,
                           std::string(kOpening) +
                               "C: USER joe\nS: +OK\nC: PASS secret\nS: +OK\nC: CAPA\nC: UIDL\nS: +OK\nS: "
                               "PIPELINING\nS: .\nS: +OK\nS: 1 a\nS: .\nC: QUIT\n",
                           act);
  EXPECT_EQ(played.outcome, "done");
}

TEST(Pop3Connection, StopsWhenTheSinkCannot) {
  Retrieve act;
  act.spy->fail_at = 1;
  const auto played = run_task(
      run(plain(),
          {.text = std::string(kOpening) + "C: RETR 1\nC: RETR 2\nC: RETR 3\nS: +OK\nS: abcdef\nS: .\nHANG\n",
           .tls = {}},
          act));
  EXPECT_EQ(played.code, Errc::no_space);
}

TEST(Pop3Connection, EndsAMessageWithoutAnEnd) {
  auto options = plain();
  options.limits.message = 100;
  Retrieve act;
  act.numbers = {1};
  const auto played = play(
      options, std::string(kOpening) + "C: RETR 1\nS: +OK\nS: " + std::string(200, 'x') + "\nHANG\n", act);
  EXPECT_EQ(played.code, Errc::limit);
}

TEST(Pop3Connection, NeverTakesHalfAMessageForAWholeOne) {
  const std::string all = "+OK\\r\\nab\\r\\n..\\r\\n.\\r\\n";
  std::vector<std::string> units;
  for (std::size_t i = 0; i < all.size(); i += all[i] == '\\' ? 2 : 1)
    units.push_back(all.substr(i, all[i] == '\\' ? 2 : 1));
  for (std::size_t cut = 0; cut < units.size(); ++cut) {
    std::string said;
    for (std::size_t i = 0; i < cut; ++i) said += units[i];
    Retrieve act;
    act.numbers = {1};
    const auto script =
        std::string(kOpening) + "C: RETR 1\n" + (said.empty() ? "" : "s: " + said + "\n") + "CLOSE\n";
    const auto played = run_task(run(plain(), {.text = script, .tls = {}}, act));
    EXPECT_EQ(played.code, Errc::closed) << cut << played.outcome;
    EXPECT_EQ(act.spy->whole, 0) << cut;
  }
}

TEST(Pop3Connection, GivesUpASilentServer) {
  auto options = plain();
  options.timeouts.command = std::chrono::milliseconds(100);
  EXPECT_EQ(
      run_task(run(options, {.text = std::string(kOpening) + "C: LIST\nHANG\n", .tls = {}}, list_only)).code,
      Errc::timed_out);
}

TEST(Pop3Connection, NeedsTlsWhereItIsRequired) {
  auto options = plain();
  options.tls = TlsMode::required;
  options.tls_context = net::TlsContext::client_insecure().value();
  EXPECT_EQ(play(options, kOpening).code, Errc::unsupported);
  EXPECT_EQ(play(options, "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: -ERR no\n").code,
            Errc::invalid);
  const auto injected = run_task(run(
      options,
      {.text = "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\ns: +OK\\r\\n+OK you are in\\r\\n\nHANG\n",
       .tls = {}},
      nothing));
  EXPECT_EQ(injected.code, Errc::denied);
}

Task<Result<void>> remove_three(Pop3Connection& c) {
  const std::uint32_t numbers[] = {1, 2, 3};
  CO_TRY(const auto refused, co_await c.remove(numbers));
  EXPECT_EQ(refused, (std::vector<std::uint32_t>{2}));
  co_return co_await c.quit();
}

TEST(Pop3Connection, RemovesAndSaysWhatQuitSaid) {
  const std::string dele =
      std::string(kOpening) + "C: DELE 1\nC: DELE 2\nC: DELE 3\nS: +OK\nS: -ERR gone\nS: +OK\nC: QUIT\n";
  EXPECT_EQ(play(plain(), dele + "S: +OK\n", remove_three).outcome, "done");
  EXPECT_EQ(play(plain(), dele + "S: -ERR some deleted messages not removed\n", remove_three).code,
            Errc::invalid);
  EXPECT_EQ(play(plain(), dele + "CLOSE\n", remove_three).code, Errc::closed);
}

}  // namespace
}  // namespace posthorn::client
