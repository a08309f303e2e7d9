#include "client/smap_connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/scripted_server_testing.h"
#include "net/certificate_testing.h"
#include "proto/smap/flags.h"

namespace posthorn::client {
namespace {

struct Spy final : SmapSink {
  Task<Result<void>> begin(std::uint32_t number) override {
    seen += std::to_string(number) + ":";
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override {
    if (seen.size() > fail_at) co_return fail(Errc::no_space, "the disk is full");
    seen += octets;
    co_return Result<void>{};
  }
  Task<Result<void>> end(std::uint32_t) override {
    seen += "|";
    co_return Result<void>{};
  }
  void drop() override { seen += "dropped|"; }
  std::string seen;
  std::size_t fail_at = ~std::size_t{0};
};

struct Played {
  std::string outcome, transcript;
  Errc code{};
};

using Act = std::function<Task<Result<void>>(SmapConnection&)>;

SmapOptions plain() {
  SmapOptions out;
  out.tls = TlsMode::none;
  out.host = "smap.example";
  return out;
}
SmapOptions with_password(bool shown, std::string password = "secret") {
  auto out = plain();
  out.credentials = Credentials{.user = "joe", .authorize_as = {}, .password = std::move(password), .token = {}, .external = false, .allow_plaintext = shown};
  return out;
}

Task<Result<void>> nothing(SmapConnection&) { co_return Result<void>{}; }

Task<Result<void>> converse(SmapConnection& connection, std::unique_ptr<net::Connection> stream, const Act& act) {
  CO_TRY_OK(co_await connection.open(std::move(stream)));
  co_return co_await act(connection);
}

Task<Played> run(SmapOptions options, Script script, const Act& act) {
  auto pair = net::make_connection_pair();
  Played played;
  options.transcript = [&played](const TranscriptLine& line) { played.transcript += std::string(line.text) + "\n"; };
  ScriptedServer server(std::move(pair.first), std::move(script));
  TaskGroup group;
  group.spawn(Reactor::current(), server.run());
  {
    SmapConnection connection(std::move(options));
    auto done = co_await converse(connection, std::move(pair.second), act);
    played.outcome = done ? "done" : done.error().text;
    if (!done) played.code = done.error().code;
  }
  server.client_left();
  co_await group.join();
  EXPECT_EQ(server.complaints(), "") << played.transcript;
  co_return played;
}

Played play(SmapOptions options, std::string text, Act act = nothing) {
  for (const bool byte_by_byte : {false, true}) {
    auto played = run_task(run(options, {.text = text, .tls = {}, .byte_by_byte = byte_by_byte}, act));
    if (byte_by_byte) return played;
  }
  return {};
}

constexpr const char* kGreeting = "S: * OK [CAPABILITY IMAP4rev1 SMAP1 KEYWORDS ACL] ready\n";
const std::string kSignedIn = std::string(kGreeting) + "C: \\SMAP1 LOGIN joe secret\nS: +OK in\n";

TEST(SmapConnection, SignsInByTheBestWayThatIsOffered) {
  struct Case {
    std::string script;
    bool shown;
    std::string outcome;
    std::string password = "secret";
  };
  for (const auto& c : {
           Case{kSignedIn, true, "done"},
           Case{"S: * OK [CAPABILITY SMAP1 AUTH=PLAIN] x\nC: \\SMAP1 AUTHENTICATE PLAIN\nS: >\nC: AGpvZQBzZWNyZXQ=\nS: +OK in\n", true, "done"},
           Case{"S: * OK [CAPABILITY SMAP1 SASL-IR AUTH=PLAIN] x\nC: \\SMAP1 AUTHENTICATE PLAIN AGpvZQBzZWNyZXQ=\nS: +OK in\n", true, "done"},
           Case{"S: * OK [CAPABILITY SMAP1 AUTH=LOGIN] x\nC: \\SMAP1 AUTHENTICATE LOGIN\nS: > VXNlcm5hbWU6\nC: am9l\nS: > UGFzc3dvcmQ6\nC: c2VjcmV0\nS: -ERR Login failed.\n",
                true, "smap.example: the server does not let joe in: Login failed."},
           Case{std::string(kGreeting) + "C: \\SMAP1 LOGIN joe \"a \"\"b\\c\"\nS: -ERR no\n", true, "smap.example: the server does not let joe in: no", "a \"b\\c"},
           Case{std::string(kGreeting) + "C: \\SMAP1 LOGIN joe \"\"\nS: * BYE Temporary problem, sorry\nCLOSE\n", true,
                "smap.example: the server closed the connection: Temporary problem, sorry", ""},
           Case{kGreeting, true, "smap.example: a user or password with a line end in it cannot be sent", "a\nb"},
           Case{kGreeting, false, "smap.example: there is no TLS, and the password may not be sent without"},
           Case{"S: * OK [CAPABILITY SMAP1 LOGINDISABLED] x\n", true, ""},
           Case{"S: * OK [CAPABILITY IMAP4rev1 SMAP] ready\n", true, "smap.example: the server does not offer SMAP (imap:// and imaps:// go to the same ports)"},
           Case{"S: * OK ready\n", true, "smap.example: the server does not offer SMAP (imap:// and imaps:// go to the same ports)"},
           Case{"S: * BYE later\n", true, "smap.example: the server takes no connection now: * BYE later"},
           Case{"S: +OK POP3 ready\n", true, "smap.example: the server greets as no server of SMAP or IMAP does: +OK POP3 ready"},
           Case{"S: * OK [CAPABILITY SMAP1 AUTH=PLAIN] x\nC: \\SMAP1 AUTHENTICATE PLAIN\nS: > !!\nC: *\nS: -ERR ok\n", true, "smap.example: a challenge that is not base64"},
           Case{std::string(kGreeting) + "C: \\SMAP1 LOGIN joe secret\nS: \\SMAP1 BAD what\n", true, "smap.example: that is no reply"},
           Case{std::string(kGreeting) + "C: \\SMAP1 LOGIN joe secret\nS: > more\n", true, "smap.example: the server waits for what was not announced"},
       }) {
    const auto played = play(with_password(c.shown, c.password), c.script);
    if (!c.outcome.empty()) EXPECT_EQ(played.outcome, c.outcome) << c.script;
    else EXPECT_EQ(played.code, Errc::denied) << c.script;
    for (const auto* secret : {"secret", "c2VjcmV0", "AGpvZQBzZWNyZXQ"}) EXPECT_EQ(played.transcript.find(secret), std::string::npos) << played.transcript;
  }
}

TEST(SmapConnection, NothingIsSaidWithoutTlsThatIsRequired) {
  auto options = with_password(true);
  options.tls = TlsMode::required;
  options.tls_context = net::TlsContext::client_insecure().value();
  EXPECT_EQ(play(options, kGreeting).outcome, "smap.example: the server does not offer STARTTLS, and nothing may be said without TLS");
  const std::string offer = "S: * OK [CAPABILITY SMAP1 STARTTLS] x\nC: \\SMAP1 STARTTLS\n";
  EXPECT_EQ(play(options, offer + "S: -ERR not now\n").outcome, "smap.example: \\SMAP1 STARTTLS was refused: not now");
  const auto injected = run_task(run(options, {.text = offer + "s: +OK go\\r\\n* CAPABILITY SMAP1\\r\\n+OK\\r\\n\n", .tls = {}}, nothing));
  EXPECT_EQ(injected.code, Errc::denied) << injected.outcome;
}

TEST(SmapConnection, ListsOneLevelOfFolders) {
  std::string names;
  const auto played = play(with_password(true),
                           kSignedIn + "C: LIST\nS: * LIST \"INBOX\" \"New Mail\" FOLDER\nS: * LIST \"INBOX\" \"Folders\" DIRECTORY\nS: +OK\n"
                                       "C: LIST \"INBOX\" \"a \"\"b\"\"\"\nS: * LIST \"c d\" \"c d\" FOLDER DIRECTORY\nS: * OTHER x\nS: +OK x\n"
                                       "C: CREATE \"INBOX\" \"x\"\nS: -ERR Cannot create folder: File exists\n"
                                       "C: RENAME \"INBOX\" \"x\" \"\" \"INBOX\" \"y\"\nS: +OK\nC: DELETE \"INBOX\" \"y\"\nS: +OK\n",
                           [&names](SmapConnection& c) -> Task<Result<void>> {
                             names.clear();
                             for (const auto& path : {SmapPath{}, SmapPath{"INBOX", "a \"b\""}}) {
                               CO_TRY(const auto folders, co_await c.list(path));
                               for (const auto& one : folders) names += one.name + (one.has_messages ? "+" : "") + (one.has_folders ? "/" : "") + ";";
                             }
                             const auto made = co_await c.create({"INBOX", "x"});
                             EXPECT_EQ(made.error().text, "smap.example: CREATE \"INBOX\" \"x\" was refused: Cannot create folder: File exists");
                             EXPECT_EQ((co_await c.create({"INBOX", ""})).error().code, Errc::invalid);
                             EXPECT_EQ((co_await c.create({"a\nLOGOUT"})).error().code, Errc::invalid);
                             CO_TRY_OK(co_await c.rename({"INBOX", "x"}, {"INBOX", "y"}));
                             co_return co_await c.remove({"INBOX", "y"});
                           });
  EXPECT_EQ(played.outcome, "done");
  EXPECT_EQ(names, "INBOX+;INBOX/;c d+/;");
}

std::string text_of(const std::vector<smap::FetchReply>& all) {
  std::string out;
  for (const auto& one : all) {
    out += std::to_string(one.number) + "=" + one.uid.value_or("?") + ":";
    smap::put_flag_list(out, one.flags.value_or(0));
    for (const auto& keyword : one.keywords.value_or(std::vector<std::string>())) out += "<" + keyword + ">";
    out += ";";
  }
  return out;
}

TEST(SmapConnection, FetchesWhatIsToldInAnyOrder) {
  std::string seen;
  const auto played = play(with_password(true),
                           kSignedIn + "C: OPEN \"INBOX\"\nS: * EXISTS 3\nS: +OK\nC: FETCH 1-3 FLAGS KEYWORDS UID\n"
                                       "S: * FETCH 3 FLAGS=SEEN\nS: * FETCH 1 FLAGS= UID=a\nS: * FETCH 3 \"UID=c\" \"KEYWORDS=x y\"\nS: * FETCH 3 FLAGS=DRAFT\nS: +OK\n",
                           [&seen](SmapConnection& c) -> Task<Result<void>> {
                             CO_TRY(const auto count, co_await c.open_folder({"INBOX"}));
                             EXPECT_EQ(count, 3u);
                             CO_TRY(const auto all, co_await c.fetch({.flags = true, .keywords = true, .uid = true}));
                             seen = text_of(all);
                             co_return Result<void>{};
                           });
  EXPECT_EQ(played.outcome, "done");
  EXPECT_EQ(seen, "1=a:;3=c:DRAFT<x y>;");
}

const std::string kOpened = kSignedIn + "C: OPEN \"INBOX\"\nS: * EXISTS 5\nS: +OK\n";

// The content of these messages.
Played content_of(std::string script, std::vector<SmapWanted> wanted, std::string& seen, std::size_t fail_at = ~std::size_t{0}) {
  return play(with_password(true), kOpened + script, [&, wanted](SmapConnection& c) -> Task<Result<void>> {
    CO_TRY_OK(co_await c.open_folder({"INBOX"}));
    Spy spy;
    spy.fail_at = fail_at;
    std::vector<std::uint32_t> refused;
    const auto done = co_await c.fetch_content("ALL", wanted, spy, refused);
    seen = spy.seen;
    for (const auto number : refused) seen += " -" + std::to_string(number);
    co_return done;
  });
}

TEST(SmapConnection, MessagesComeAsTheyAre) {
  struct Case {
    std::string script, seen, outcome = "done";
  };
  const std::string kAsk = "C: FETCH 1-2 4 \"CONTENTS.PEEK=ALL\"\n";
  const std::string kGone = "From: System Administrator <root@localhost>\nSubject: message unavailable\n\nThis message is no longer available on the server.\n";
  std::string said = kGone;
  for (std::size_t at = 0; (at = said.find('\n', at)) != said.npos; at += 2) said.replace(at, 1, "\\n");
  for (const auto& c : {
           Case{kAsk + "s: {3/9} FETCH 4 CONTENTS\\na\\nb2\\ncd\\n{.0} FETCH 1 CONTENTS\\n.\\n{.5} FETCH 2 CONTENTS\\n..x\\n.\\n* FETCH 2 FLAGS=\\n+OK done\\n\n", "4:a\nbcd|1:|2:.x\n|"},
           // They are not there, or are refused: each of the others is asked for once more.
           Case{kAsk + "S: {.0} FETCH 2 CONTENTS\nS: .\nS: +OK\n", "2:| -1 -4"},
           Case{kAsk + "S: -ERR no\nC: FETCH 2 4 \"CONTENTS.PEEK=ALL\"\nS: {.0} FETCH 2 CONTENTS\nS: .\nS: -ERR no\nC: FETCH 4 \"CONTENTS.PEEK=ALL\"\nS: -ERR no\n" +
                    "C: FETCH 2 \"CONTENTS.PEEK=ALL\"\nS: {.0} FETCH 2 CONTENTS\nS: .\nS: +OK\n",
                "2:dropped|2:| -1 -4"},
           // What Courier says for a message that it cannot open, whatever size it has told; and a message that quotes it.
           Case{kAsk + "s: {125/125} FETCH 1 CONTENTS\\n" + said + "\\n{126/126} FETCH 2 CONTENTS\\n" + said + "!\\n{125/125} FETCH 4 CONTENTS\\n" + said + "\\n+OK\\n\n",
                "1:" + kGone + "dropped|2:" + kGone + "!|4:" + kGone + "dropped| -1 -4"},
           Case{kAsk + "s: {1/1} FETCH 3 CONTENTS\\na\\n\n", "", "smap.example: the server gave message 3 that was not asked for, or twice"},
           Case{kAsk + "s: {1/1} FETCH 1 CONTENTS\\na\\n{1/1} FETCH 1 CONTENTS\\na\\n\n", "1:a|", "smap.example: the server gave message 1 that was not asked for, or twice"},
           Case{kAsk + "s: {9/9} FETCH 1 CONTENTS\\na\\n\nCLOSE\n", "1:a\n", "smap.example: the server closed the connection"},
           Case{kAsk + "s: {2/2} FETCH 1 CONTENTS\\nabx\\n\n", "1:ab", "smap.example: no number where a size must be"},
           Case{kAsk + "s: {99999999999/1} FETCH 1 CONTENTS\\n\n", "", "smap.example: a reply of the server is too long"},
           Case{kAsk + "S: * EXPUNGE 1\n", "", "smap.example: the server gives messages other numbers in the middle of a command"},
       }) {
    std::string seen;
    const auto played = content_of(c.script, {{2, 0}, {1, 0}, {4, 0}}, seen);
    EXPECT_EQ(played.outcome, c.outcome) << c.script;
    EXPECT_EQ(seen, c.seen) << c.script;
  }
}

// -ERR behind a message may mean that it was cut short, and so may a size: it is asked for once more, alone.
TEST(SmapConnection, MessagesThatMayBeCutShortAreAskedForAgain) {
  const auto ask = [](std::string set) { return "C: FETCH " + set + " \"CONTENTS.PEEK=ALL\"\n"; };
  const auto whole = [](std::string number) { return "s: {8/8} FETCH " + number + " CONTENTS\\nA: " + number + "\\n\\nx\\n\\n\n"; };
  const auto cut = [](std::string number) { return "s: {5/8} FETCH " + number + " CONTENTS\\nA: " + number + "\\n\\n\n"; };
  const auto broken = [](std::string number) { return "s: {5/8} FETCH " + number + " CONTENTS\\nA: " + number + "\\n-ERR Cannot retrieve message: Input/output error\\n\n"; };
  const std::string all = ask("1-3"), ok = "S: +OK\n", error = "S: -ERR Cannot read it\n";
  struct Case {
    std::string script, seen;
    std::uint64_t told = 8;
  };
  for (const auto& c : {
           Case{all + whole("1") + whole("2") + whole("3") + ok, "1:A: 1\n\nx\n|2:A: 2\n\nx\n|3:A: 3\n\nx\n|"},
           Case{all + whole("1") + cut("2") + error + ask("3") + whole("3") + ok + ask("2") + whole("2") + ok, "1:A: 1\n\nx\n|2:A: 2\ndropped|3:A: 3\n\nx\n|2:A: 2\n\nx\n|"},
           Case{all + whole("1") + cut("2") + error + ask("3") + whole("3") + ok + ask("2") + cut("2") + error, "1:A: 1\n\nx\n|2:A: 2\ndropped|3:A: 3\n\nx\n|2:A: 2\ndropped| -2"},
           Case{all + whole("1") + whole("2") + whole("3") + error + ask("3") + error, "1:A: 1\n\nx\n|2:A: 2\n\nx\n|3:A: 3\n\nx\ndropped| -3"},
           // Courier.
           Case{all + whole("1") + broken("2") + ask("3") + whole("3") + ok + ask("2") + broken("2"), "1:A: 1\n\nx\n|2:A: 2\ndropped|3:A: 3\n\nx\n|2:A: 2\ndropped| -2"},
           // A server that goes on behind it, and says so at the end; and one that says nothing: sizes are estimates.
           Case{all + cut("1") + whole("2") + whole("3") + ok + ask("1") + cut("1") + error, "1:A: 1\ndropped|2:A: 2\n\nx\n|3:A: 3\n\nx\n|1:A: 1\ndropped| -1"},
           Case{all + cut("1") + whole("2") + whole("3") + ok + ask("1") + cut("1") + ok, "1:A: 1\ndropped|2:A: 2\n\nx\n|3:A: 3\n\nx\n|1:A: 1\n|"},
           Case{all + cut("1") + whole("2") + whole("3") + ok + ask("1") + ok, "1:A: 1\ndropped|2:A: 2\n\nx\n|3:A: 3\n\nx\n| -1"},
           // With CRLF, as it is stored there.
           Case{all + whole("1") + whole("2") + whole("3") + ok, "1:A: 1\n\nx\n|2:A: 2\n\nx\n|3:A: 3\n\nx\n|", 11},
       }) {
    std::string seen;
    EXPECT_EQ(content_of(c.script, {{1, c.told}, {2, c.told}, {3, c.told}}, seen).outcome, "done") << c.script;
    EXPECT_EQ(seen, c.seen) << c.script;
  }
}

TEST(SmapConnection, ASinkThatFailsEndsIt) {
  std::string seen;
  const auto played = content_of("C: FETCH 1 \"CONTENTS.PEEK=ALL\"\ns: {1/1} FETCH 1 CONTENTS\\na\n", {{1, 1}}, seen, 0);
  EXPECT_EQ(played.outcome, "the disk is full");
  EXPECT_EQ(played.code, Errc::no_space);
}

TEST(SmapConnection, LyingServersAreLeft) {
  struct Case {
    std::string script, outcome;
  };
  for (const auto& c : {
           Case{"C: OPEN \"INBOX\"\nS: +OK\n", "smap.example: the server does not tell how many messages there are"},
           Case{"C: OPEN \"INBOX\"\nS: * EXISTS 4000000000\nS: +OK\n", "smap.example: the folder has more messages than can be dealt with: 4000000000"},
           Case{"C: OPEN \"INBOX\"\nS: * EXISTS 4\nS: * EXISTS 3\nS: +OK\n", "smap.example: the server lets messages vanish without a word"},
           Case{"C: OPEN \"INBOX\"\nS: * EXISTS 2\nS: +OK\nC: FETCH 1-2 FLAGS\nS: * FETCH 3 FLAGS=\n", "smap.example: the server tells of a message that is not there"},
           Case{"C: OPEN \"INBOX\"\nS: * EXISTS 2\nS: +OK\nC: FETCH 1-2 FLAGS\nS: * FETCH 0 FLAGS=\n", "smap.example: a message with the number 0"},
           Case{"C: OPEN \"INBOX\"\nS: * EXISTS 2\nS: +OK\nC: FETCH 1-2 FLAGS\nS: * EXPUNGE 1\n",
                "smap.example: the server gives messages other numbers in the middle of a command"},
           Case{"C: OPEN \"INBOX\"\nS: -ERR No such folder\n", "smap.example: OPEN \"INBOX\" was refused: No such folder"},
       }) {
    const auto played = play(with_password(true), kSignedIn + c.script, [](SmapConnection& connection) -> Task<Result<void>> {
      CO_TRY(const auto count, co_await connection.open_folder({"INBOX"}));
      CO_TRY(const auto all, co_await connection.fetch({}));
      EXPECT_LE(all.size(), count);
      co_return Result<void>{};
    });
    EXPECT_EQ(played.outcome, c.outcome) << c.script;
  }
}

TEST(SmapConnection, EndlessLinesAndListsEnd) {
  auto options = with_password(true);
  options.limits.line = 200;
  options.folders = 3;
  const auto list = [](SmapConnection& c) -> Task<Result<void>> {
    CO_TRY_OK(co_await c.list({}));
    co_return Result<void>{};
  };
  EXPECT_EQ(play(options, kSignedIn + "C: LIST\ns: " + std::string(201, 'x') + "\n", list).outcome, "smap.example: a line of the server is too long");
  std::string many;
  for (int i = 0; i < 4; ++i) many += "S: * LIST a a FOLDER\n";
  EXPECT_EQ(play(options, kSignedIn + "C: LIST\n" + many, list).outcome, "smap.example: the server lists folders without end");
  options.timeouts.silence = std::chrono::milliseconds(50);
  EXPECT_EQ(run_task(run(options, {.text = kSignedIn + "C: LIST\nDEAF\n", .tls = {}}, list)).outcome, "smap.example: the server does not answer");
}

// However many there may be, what they take in memory has a bound.
TEST(SmapConnection, LongWordsEndToo) {
  const std::string word(60'000, 'x');
  const auto list = [](SmapConnection& c) -> Task<Result<void>> {
    CO_TRY_OK(co_await c.list({}));
    co_return Result<void>{};
  };
  std::string script = kSignedIn + "C: LIST\n";
  for (int i = 0; i < 1200; ++i) script += "S: * LIST " + word + std::to_string(i) + " a FOLDER\n";
  EXPECT_EQ(run_task(run(with_password(true), {.text = script, .tls = {}}, list)).outcome, "smap.example: the server's answer has no end");
  const auto fetch = [](SmapConnection& c) -> Task<Result<void>> {
    CO_TRY_OK(co_await c.open_folder({"INBOX"}));
    CO_TRY_OK(co_await c.fetch({.flags = false, .uid = true}));
    co_return Result<void>{};
  };
  for (const std::string name : {"UID=", "KEYWORDS="}) {
    script = kSignedIn + "C: OPEN \"INBOX\"\nS: * EXISTS 2000\nS: +OK\nC: FETCH 1-2000 UID\n";
    for (int i = 1; i <= 1200; ++i) script += "S: * FETCH " + std::to_string(i) + " " + name + word + "\n";
    EXPECT_EQ(run_task(run(with_password(true), {.text = script, .tls = {}}, fetch)).outcome, "smap.example: the server's answer has no end");
  }
}

TEST(SmapConnection, StoresAndRemoves) {
  SmapNews news;
  const auto played = play(with_password(true),
                           kOpened + "C: STORE 1-2 5 +FLAGS=MARKED,SEEN -FLAGS=DRAFT,REPLIED,DELETED \"KEYWORDS=a,b c\"\nS: * FETCH 1 FLAGS=SEEN\nS: +OK\nC: STORE 4 -FLAGS=DRAFT,MARKED,REPLIED,SEEN,DELETED \"KEYWORDS=\"\nS: +OK\nC: STORE 3 -FLAGS=DRAFT\nS: -ERR no\n"
                                     "C: EXPUNGE 1 3-4\nS: * EXPUNGE 1 3-4\nS: * EXPUNGE 2\nS: * EXISTS 3\nS: * FETCH 2 FLAGS=SEEN \"KEYWORDS=\"\nS: +OK\n",
                           [&news](SmapConnection& c) -> Task<Result<void>> {
                             using Change = SmapConnection::Change;
                             CO_TRY_OK(co_await c.open_folder({"INBOX"}));
                             CO_TRY_OK(co_await c.store(smap_ranges({1, 2, 5}), Change::set, smap::kSeen | smap::kMarked, {"a", "b c", "d,e"}));
                             CO_TRY_OK(co_await c.store(smap_ranges({4}), Change::set, 0, {}));
                             const auto refused = co_await c.store(smap_ranges({3}), Change::remove, smap::kDraft, {});
                             EXPECT_EQ(refused.error().code, Errc::invalid);
                             CO_TRY(news, co_await c.expunge({}));
                             EXPECT_TRUE(news.expunged.empty());
                             CO_TRY(news, co_await c.expunge(smap_ranges({1, 3, 4})));
                             EXPECT_EQ(c.messages(), 3u);
                             co_return Result<void>{};
                           });
  EXPECT_EQ(played.outcome, "done");
  EXPECT_EQ(news.expunged, (std::vector<smap::NumberRanges>{{{1, 1}, {3, 4}}, {{2, 2}}}));
  EXPECT_EQ(news.changed.size(), 1u);
}

TEST(SmapConnection, ReopensByASnapshot) {
  const auto played = play(with_password(true),
                           kSignedIn + "C: SOPEN \"\" \"INBOX\"\nS: * EXISTS 3\nS: +OK\nC: NOOP\nS: * SNAPSHOT \"id \"\"1\"\"\"\nS: +OK\n"
                                       "C: SOPEN \"id \"\"1\"\"\" \"INBOX\"\nS: * SNAPSHOTEXISTS \"x\"\nS: * EXPUNGE 2\nS: +OK\n"
                                       "C: SOPEN \"old\" \"INBOX\"\nS: * EXISTS 9\nS: +OK\n",
                           [](SmapConnection& c) -> Task<Result<void>> {
                             CO_TRY(auto news, co_await c.open_folder_since({"INBOX"}, {}));
                             EXPECT_FALSE(news.from_snapshot);
                             CO_TRY(news, co_await c.noop());
                             EXPECT_EQ(news.snapshot, "id \"1\"");
                             CO_TRY(news, co_await c.open_folder_since({"INBOX"}, {news.snapshot, 3}));
                             EXPECT_TRUE(news.from_snapshot);
                             EXPECT_EQ(c.messages(), 2u);
                             CO_TRY(news, co_await c.open_folder_since({"INBOX"}, {"old", 2}));
                             EXPECT_FALSE(news.from_snapshot);
                             EXPECT_EQ(c.messages(), 9u);
                             co_return Result<void>{};
                           });
  EXPECT_EQ(played.outcome, "done");
}

SmapUpload upload_of(std::string_view text) {
  SmapUpload out;
  out.folder = {"INBOX", "Sent"};
  out.flags = smap::kSeen;
  out.keywords = {"two words"};
  out.date = text::DateTime{.time = std::chrono::sys_seconds(std::chrono::seconds(86400)), .offset_minutes = 60};
  out.size = text.size();
  out.content = [text] { return std::make_unique<TextSource>(text); };
  return out;
}

TEST(SmapConnection, SavesAndSends) {
  const std::string kAdd = "C: ADD FOLDER \"INBOX\" \"Sent\" \"\" FLAGS=SEEN \"KEYWORDS=two words\" \"INTERNALDATE=Fri, 02 Jan 1970 01:00:00 +0100\" {8/8}\n";
  const auto played = play(with_password(true),
                           kSignedIn + kAdd + "S: > go\nB: 9\nS: * ADD \"UID=1/2\"\nS: +OK saved\n" + kAdd + "S: -ERR full\nC: RSET\nS: +OK\n" + kAdd +
                               "S: > go\nB: 9\nS: -ERR too late\nC: RSET\nS: +OK\n"
                               "C: ADD \"MAILFROM=joe@x.test\" \"RCPTTO=a@x.test\" \"RCPTTO=b@x.test\" \"NOTIFY=NEVER\" {8/8}\nS: > go\nB: 9\nS: +OK sent\n",
                           [](SmapConnection& c) -> Task<Result<void>> {
                             CO_TRY(const auto uid, co_await c.add(upload_of("A: 1\n\nx\n")));
                             EXPECT_EQ(uid, "1/2");
                             EXPECT_EQ((co_await c.add(upload_of("A: 1\n\nx\n"))).error().text, "smap.example: saving the message was refused: full");
                             EXPECT_EQ((co_await c.add(upload_of("A: 1\n\nx\n"))).error().text, "smap.example: saving the message was refused: too late");
                             auto letter = upload_of("A: 1\n\nx\n");
                             letter.folder.clear();
                             letter.mail_from = "joe@x.test";
                             letter.recipients = {"a@x.test", "b@x.test"};
                             letter.notify = "NEVER";
                             CO_TRY(const auto none, co_await c.add(std::move(letter)));
                             EXPECT_EQ(none, "");
                             co_return Result<void>{};
                           });
  EXPECT_EQ(played.outcome, "done");
  EXPECT_EQ(played.transcript.find("A: 1"), std::string::npos);
}

// The refusal is told, not what came of the connection behind it.
TEST(SmapConnection, WhatIsRefusedStaysRefused) {
  for (const std::string end : {"C: RSET\nCLOSE\n", "C: RSET\nS: what?\n", "C: RSET\nS: -ERR no\n"}) {
    const auto played = play(with_password(true), kSignedIn + "C: ADD*\nS: > go\nB: 9\nS: -ERR 550 no such user\n" + end, [&end](SmapConnection& c) -> Task<Result<void>> {
      const auto added = co_await c.add(upload_of("A: 1\n\nx\n"));
      EXPECT_EQ(c.is_usable(), end.contains("-ERR")) << end;
      EXPECT_FALSE(c.in_doubt());
      if (!added) co_return std::unexpected(added.error());
      co_return Result<void>{};
    });
    EXPECT_EQ(played.outcome, "smap.example: saving the message was refused: 550 no such user") << end;
    EXPECT_EQ(played.code, Errc::invalid);
  }
}

// What is uploaded has to be stored or sent before the answer to it.
TEST(SmapConnection, AnswersToUploadsMayTakeLonger) {
  EXPECT_GE(SmapTimeouts().answer, std::chrono::minutes(10));
  auto options = with_password(true);
  options.timeouts.answer = std::chrono::milliseconds(50);
  const auto add = [](SmapConnection& c) -> Task<Result<void>> {
    const auto added = co_await c.add(upload_of("A: 1\n\nx\n"));
    EXPECT_TRUE(c.in_doubt());
    if (!added) co_return std::unexpected(added.error());
    co_return Result<void>{};
  };
  EXPECT_EQ(run_task(run(options, {.text = kSignedIn + "C: ADD*\nS: > go\nB: 9\nDEAF\n", .tls = {}}, add)).outcome, "smap.example: the server does not answer");
}

// The ends of a TCP connection: a server's, and a client's.
std::pair<int, int> tcp_pair() {
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof at;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&at), size), 0);
  const int server = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  return {server, client};
}

Task<Result<std::string>> add_by(std::unique_ptr<net::Connection> stream, SmapUpload upload) {
  auto options = with_password(true);
  options.timeouts.answer = std::chrono::milliseconds(50);
  SmapConnection connection(std::move(options));
  CO_TRY_OK(co_await connection.open(std::move(stream)));
  co_return co_await connection.add(std::move(upload));
}

// It is told of as failed, and somebody will send it again: what has not gone out never does.
TEST(SmapConnection, WhatIsGivenUpIsTakenBack) {
  for (const std::uint64_t announced : {8, 9}) {  // that is what there is; one too many
    const auto [server, client] = tcp_pair();
    const std::string_view said = "* OK [CAPABILITY SMAP1] ready\n+OK in\n> go\n";
    ASSERT_EQ(::send(server, said.data(), said.size(), 0), static_cast<ssize_t>(said.size()));
    const auto added = run_task([](int fd, std::uint64_t size) -> Task<Result<std::string>> {
      auto upload = upload_of("A: 1\n\nx\n");
      upload.keywords.clear();
      upload.size = size;
      co_return co_await add_by(std::make_unique<net::Connection>(fd, net::Peer{.ip = "127.0.0.1", .port = 0, .loopback = true}), std::move(upload));
    }(client, announced));
    EXPECT_EQ(added.error().code, announced == 8 ? Errc::timed_out : Errc::io);
    char octets[1000];
    ssize_t n = 0;
    while ((n = ::recv(server, octets, sizeof octets, 0)) > 0) {}
    EXPECT_TRUE(n < 0 && errno == ECONNRESET);
    ::close(server);
  }
}

// A line is never longer than servers take, and an upload of another length than announced ends the connection.
TEST(SmapConnection, LongListsAndShortMessages) {
  std::string script = kSignedIn, line = "C: ADD";
  for (int i = 0; i < 400; ++i) {
    const auto word = "\"RCPTTO=recipient" + std::to_string(1000 + i) + "@x.test\"";
    if (line.size() - 3 + word.size() > 7000) script += std::exchange(line, "C: ADD") + "\nS: +OK set\n";
    line += " " + word;
  }
  script += line + " {9/9}\nS: > go\n";
  const auto played = play(with_password(true), script, [](SmapConnection& c) -> Task<Result<void>> {
    auto letter = upload_of("A: 1\n\nx\n");
    letter.folder.clear();
    letter.size = 9;
    for (int i = 0; i < 400; ++i) letter.recipients.push_back("recipient" + std::to_string(1000 + i) + "@x.test");
    const auto done = co_await c.add(std::move(letter));
    EXPECT_FALSE(c.is_usable());
    if (!done) co_return std::unexpected(done.error());
    co_return Result<void>{};
  });
  EXPECT_EQ(played.outcome, "a message has not the length that it was said to have");
}

}  // namespace
}  // namespace posthorn::client
