// Opening, mailboxes and messages against scripted servers.
#include <gtest/gtest.h>

#include "client/imap_dialogue_testing.h"
#include "net/certificate_testing.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

// A session of the usual kind: signed in by a1, ENABLE and LIST by a2 and a3.
const std::string kAll = "IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE CONDSTORE QRESYNC UIDPLUS MOVE LIST-EXTENDED LIST-STATUS LITERAL+ IDLE UNSELECT";
const std::string kIn =
    "S: * OK [CAPABILITY " + kAll + "] hi\nC: a1 AUTHENTICATE PLAIN AHVzZXIAcGVuY2ls\nS: a1 OK [CAPABILITY " + kAll +
    "] in\nC: a2 ENABLE QRESYNC\nC: a3 LIST \"\" \"\"\nS: * ENABLED QRESYNC\nS: a2 OK x\nS: * LIST (\\Noselect) \"/\" \"\"\nS: a3 OK x\n";
// One that can nothing but what RFC 3501 has.
const std::string kOld = "S: * OK [CAPABILITY IMAP4rev1] hi\nC: a1 LOGIN \"user\" \"pencil\"\nS: a1 OK in\nC: a2 CAPABILITY\n"
                         "S: * CAPABILITY IMAP4rev1\nS: a2 OK x\nC: a3 LIST \"\" \"\"\nS: * LIST () \".\" \"\"\nS: a3 OK x\n";
std::string bye(int tag) { return "C: a" + std::to_string(tag) + " LOGOUT\nS: * BYE x\nS: a" + std::to_string(tag) + " OK x\n"; }
const std::string kSelected = "C: a4 SELECT \"INBOX\"\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] x\nS: * OK [UIDNEXT 9] x\nS: * OK [HIGHESTMODSEQ 12] x\nS: a4 OK x\n";

ImapPlayed run(std::string script, Strings calls, bool byte_by_byte = false) {
  auto d = make_imap_dialogue(std::move(script), std::move(calls));
  d.script.byte_by_byte = byte_by_byte;
  auto played = play(std::move(d));
  EXPECT_EQ(played.complaints, "");
  for (const auto& line : played.transcript)
    for (const std::string secret : {"pencil", "cGVuY2ls", "AHVzZXIAcGVuY2ls"}) EXPECT_EQ(line.find(secret), line.npos) << line;
  return played;
}

std::string open_only(std::string script, std::function<void(ImapDialogue&)> change = {}) {
  auto d = make_imap_dialogue(std::move(script));
  if (change) change(d);
  const auto played = play(std::move(d));
  EXPECT_EQ(played.complaints, "");
  return played.outcomes.at(0) + (played.signed_in_by.empty() ? "" : " by " + played.signed_in_by);
}

TEST(ImapOpening, Greetings) {
  EXPECT_EQ(open_only(kIn + bye(4)), "ok by PLAIN");
  EXPECT_EQ(open_only(kOld + bye(4)), "ok by LOGIN");
  EXPECT_EQ(open_only("S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: a1 LIST \"\" \"\"\nS: a1 OK x\n" + bye(2)), "ok by PREAUTH");
  EXPECT_EQ(open_only("S: * BYE too \x1b busy\n"), "busy: mail.example: the server takes no connection now: too ? busy");
  EXPECT_EQ(open_only("S: 220 smtp\n"), "syntax: mail.example: this is no IMAP server: \"220 smtp\"");
  EXPECT_EQ(open_only("CLOSE"), "closed: mail.example: the server closed the connection");
  EXPECT_EQ(open_only("S: * OK [CAPABILITY IMAP2] hi\n"), "unsupported: mail.example: the server speaks neither IMAP4rev1 nor IMAP4rev2");
  const auto hasty = [](ImapDialogue& d) { d.options.timeouts.silence = 150ms; };
  EXPECT_EQ(open_only("HANG", hasty), "timed out: mail.example: the server does not answer");
  const auto small = [](ImapDialogue& d) { d.options.limits.line = 100; };
  EXPECT_EQ(open_only("S: * OK " + std::string(200, 'x') + "\nHANG", small), "syntax: mail.example: a response of the server is too long");
}

TEST(ImapOpening, SigningIn) {
  const std::string offer = "S: * OK [CAPABILITY IMAP4rev1 ";
  EXPECT_EQ(open_only(offer + "AUTH=PLAIN SASL-IR] hi\nC: a1 AUTHENTICATE PLAIN *\nS: a1 NO [AUTHENTICATIONFAILED] wrong\n" + bye(2)),
            "denied: mail.example: the server does not let user in: wrong");
  EXPECT_EQ(open_only(offer + "AUTH=LOGIN] hi\nC: a1 AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: dXNlcg==\nS: + UGFzc3dvcmQ6\nC: cGVuY2ls\n"
                              "S: a1 OK [CAPABILITY IMAP4rev1] in\nC: a2 LIST \"\" \"\"\nS: a2 OK x\n" + bye(3)),
            "ok by LOGIN");
  EXPECT_EQ(open_only(offer + "AUTH=PLAIN] hi\nC: a1 AUTHENTICATE PLAIN\nS: +\nC: AHVzZXIAcGVuY2ls\nS: a1 OK in\nC: a2 CAPABILITY\n"
                              "S: * CAPABILITY IMAP4rev1\nS: a2 OK x\nC: a3 LIST \"\" \"\"\nS: a3 OK x\n" + bye(4)),
            "ok by PLAIN");
  EXPECT_EQ(open_only(offer + "LOGINDISABLED] hi\n" + bye(1)).substr(0, 6), "denied");
  // Without TLS no password, unless that is allowed.
  const auto strict = [](ImapDialogue& d) { d.options.credentials->allow_plaintext = false; };
  EXPECT_EQ(open_only(offer + "AUTH=PLAIN] hi\n" + bye(1), strict).substr(0, 6), "denied");
  // SCRAM is offered for somebody who has no such secret: what may be shown is tried too.
  EXPECT_EQ(open_only(offer + "AUTH=PLAIN AUTH=SCRAM-SHA-256 SASL-IR] hi\nC: a1 AUTHENTICATE SCRAM-SHA-256 *\nS: a1 NO x\n"
                              "C: a2 AUTHENTICATE PLAIN AHVzZXIAcGVuY2ls\nS: a2 OK [CAPABILITY IMAP4rev1] in\nC: a3 LIST \"\" \"\"\nS: a3 OK x\n" + bye(4)),
            "ok by PLAIN");
  EXPECT_EQ(open_only(offer + "AUTH=SCRAM-SHA-256 SASL-IR] hi\nC: a1 AUTHENTICATE SCRAM-SHA-256 *\nS: a1 OK in\nHANG").substr(0, 6), "denied");
}

TEST(ImapOpening, Tls) {
  net::TestAuthority authority;
  const auto identity = authority.issue({.names = {"mail.example"}});
  const auto open = [&](std::string script, TlsMode mode) {
    return open_only(std::move(script), [&](ImapDialogue& d) {
      d.options.tls = mode;
      d.options.tls_context = net::test_client_context(authority);
      d.options.tls_policy = {.trust = net::TlsTrust::ca_and_name, .server_name = "mail.example", .names = {"mail.example"}};
      d.script.tls = net::test_server_context(identity);
    });
  };
  const std::string offer = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\n";
  const std::string in = "S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\nS: a2 OK x\nC: a3 AUTHENTICATE PLAIN *\nS: a3 OK [CAPABILITY IMAP4rev1] x\n"
                         "C: a4 LIST \"\" \"\"\nS: a4 OK x\n" + bye(5);
  EXPECT_EQ(open(offer + "C: a1 STARTTLS\nS: a1 OK go\nTLS\nC: a2 CAPABILITY\n" + in, TlsMode::required), "ok by PLAIN");
  EXPECT_EQ(open("S: * OK [CAPABILITY IMAP4rev1] hi\n" + bye(1), TlsMode::required).substr(0, 6), "denied");
  EXPECT_EQ(open(offer + "C: a1 STARTTLS\nS: a1 NO x\n" + bye(2), TlsMode::required).substr(0, 6), "denied");
  EXPECT_EQ(open("S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nHANG", TlsMode::required).substr(0, 6), "denied");
  for (const std::string injected : {"* CAPABILITY IMAP4rev1\\r\\n", "a2 OK x\\r\\n", "x"})
    EXPECT_EQ(open(offer + "C: a1 STARTTLS\ns: a1 OK go\\r\\n" + injected + "\nHANG", TlsMode::required),
              "denied: mail.example: something was sent behind the reply to STARTTLS: somebody is listening in");
  EXPECT_EQ(open("TLS\nS: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\nC: a1 AUTHENTICATE PLAIN *\nS: a1 OK [CAPABILITY IMAP4rev1] x\n"
                 "C: a2 LIST \"\" \"\"\nS: a2 OK x\n" + bye(3), TlsMode::implicit),
            "ok by PLAIN");
}

TEST(ImapMailboxes, ListWithStatusIsOneRoundTrip) {
  const auto played = run(kIn + "C: a4 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\n"
                                "S: * LIST (\\Subscribed) \"/\" inbox\nS: * STATUS INBOX (MESSAGES 3 UIDVALIDITY 7 HIGHESTMODSEQ 12)\n"
                                "S: * LIST () \"/\" \"Entw&APw-rfe\"\nS: * LIST (\\Noselect) \"/\" a\nS: * LIST (\\NonExistent \\Subscribed) \"/\" gone\nS: a4 OK x\n" + bye(5),
                          {"list status", "logout"}, true);
  EXPECT_EQ(played.outcomes, (Strings{"ok", "ok Entwürfe INBOX+(3 7 12) a!"}));
}

TEST(ImapMailboxes, OldServersAreAskedOneByOne) {
  const auto played = run(kOld + "C: a4 LIST \"\" \"*\"\nC: a5 LSUB \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: * LIST () \".\" \"a&b\"\nS: a4 OK x\nS: * LSUB () \".\" INBOX\nS: a5 OK x\n"
                                 "C: a6 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)\nC: a7 STATUS \"a&b\" (MESSAGES UIDNEXT UIDVALIDITY)\n"
                                 "S: * STATUS INBOX (MESSAGES 1 UIDVALIDITY 2)\nS: a6 OK x\nS: a7 NO x\n" + bye(8),
                          {"list status", "logout"});
  EXPECT_EQ(played.outcomes, (Strings{"ok", "ok INBOX+(1 2 0) a&b"}));
}

TEST(ImapMailboxes, ChangesSayWhy) {
  const auto played = run(kIn + "C: a4 CREATE \"a\"\nS: a4 NO [ALREADYEXISTS] there\nC: a5 CREATE \"b\"\nS: a5 NO there\nC: a6 LIST \"\" \"b\" RETURN (SUBSCRIBED)\n"
                                "S: * LIST () \"/\" b\nS: a6 OK x\nC: a7 RENAME \"a\" \"&AOQ-\"\nS: a7 NO [NOPERM] not \x07 you\nC: a8 DELETE \"z\"\nS: a8 NO x\n"
                                "C: a9 LIST \"\" \"z\" RETURN (SUBSCRIBED)\nS: a9 OK x\nC: a10 SUBSCRIBE \"a\"\nS: a10 BAD what\n" + bye(11),
                          {"create a", "create b", "rename a ä", "remove z", "subscribe a", "logout"});
  EXPECT_EQ(played.outcomes, (Strings{"ok", "ok", "ok", "denied: mail.example: the server said NO to RENAME \"a\" \"&AOQ-\": not ? you", "ok",
                                      "invalid: mail.example: the server said BAD to SUBSCRIBE \"a\": what"}));
}

TEST(ImapMessages, SelectAndResynchronise) {
  const auto played = run(kIn + kSelected + "C: a5 SELECT \"x\" (QRESYNC (7 11))\nS: * OK [CLOSED] x\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] x\nS: * OK [UIDNEXT 9] x\n"
                                            "S: * OK [HIGHESTMODSEQ 15] x\nS: * OK [PERMANENTFLAGS (\\Seen \\*)] x\nS: * VANISHED (EARLIER) 1:2,4\n"
                                            "S: * 1 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (14))\nS: a5 OK [READ-WRITE] x\n"
                                            "C: a6 SELECT \"y\" (QRESYNC (7 11))\nS: * 0 EXISTS\nS: * OK [UIDVALIDITY 8] x\nS: * OK [HIGHESTMODSEQ 1] x\nS: a6 OK [READ-ONLY] x\n"
                                            "C: a7 SELECT \"z\"\nS: * 0 EXISTS\nS: a7 OK x\nC: a8 SELECT \"n\"\nS: a8 NO [NONEXISTENT] no\n" + bye(9),
                          {"select INBOX", "select x 7 11", "select y 7 11", "select z", "fetch 1 2", "select n", "logout"});
  EXPECT_EQ(played.outcomes,
            (Strings{"ok", "ok 3 messages, validity 7, next 9, modseq 12, any keyword", "ok 2 messages, validity 7, next 9, modseq 15, any keyword, vanished 1:2,4, changed 3[\\Seen]@14",
                     "ok 0 messages, validity 8, next 0, modseq 1, read-only, any keyword", "unsupported: mail.example: z has no UIDVALIDITY: its messages cannot be told apart",
                     "invalid: mail.example: no mailbox is selected", "not found: mail.example: the server said NO to SELECT \"n\": no"}));
}

TEST(ImapMessages, Fetch) {
  const auto played = run(kIn + kSelected + "C: a5 UID FETCH 1:9 (UID FLAGS MODSEQ) (CHANGEDSINCE 5 VANISHED)\nS: * VANISHED (EARLIER) 2\nS: * 1 FETCH (UID 1 FLAGS (a) MODSEQ (6))\n"
                                            "S: * 4 EXISTS\nS: * 2 FETCH (FLAGS (\\Seen))\nS: a5 OK x\n" + bye(6),
                          {"select INBOX", "fetch 1 9 5", "news", "logout"});
  EXPECT_EQ((Strings{played.outcomes.begin() + 2, played.outcomes.end()}), (Strings{"ok 1[a]@6 vanished 2", "ok exists 4 fetch ?[\\Seen]"}));
}

TEST(ImapMessages, WholeMessagesAreStreamed) {
  const std::string ask = "C: a5 UID FETCH 1:3 (UID FLAGS MODSEQ INTERNALDATE BODY.PEEK[])\n";
  const struct { std::string said, outcome; } cases[] = {
      {"s: * 1 FETCH (UID 1 FLAGS () BODY[] {5}\\r\\nab\\r\\nc)\\r\\n* 2 FETCH (BODY[] {0}\\r\\n UID 3 FLAGS (x))\\r\\n* 4 EXISTS\\r\\n\nS: a5 OK x\n" + bye(6),
       "ok 5:ab\r\nc=1[] 0:=3[x]"},
      {"S: * 1 FETCH (UID 1 BODY[] \"xy\")\nS: * 2 FETCH (UID 2 BODY[] NIL)\nS: a5 NO some are gone\n" + bye(6), "ok 2:xy=1"},
      // Courier, of a message that it cannot open.
      {"s: * 1 FETCH (UID 1 BODY[] {129}\\r\\nFrom: System Administrator <root@localhost>\\r\\nSubject: message unavailable\\r\\n\\r\\n"
       "This message is no longer available on the server.\\r\\n)\\r\\n* 2 FETCH (UID 2 BODY[] {1}\\r\\na)\\r\\n\nS: a5 OK x\n" + bye(6),
       "ok 129:From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\nThis message is no longer available on the server.\r\n=none 1:a=2"},
      // Twice, and nobody asked.
      {"s: * 1 FETCH (UID 1 BODY[] {1}\\r\\na)\\r\\n* 1 FETCH (UID 1 BODY[] {1}\\r\\nb)\\r\\n* 9 FETCH (UID 9 BODY[] {1}\\r\\nc)\\r\\n\nS: a5 OK x\n" + bye(6), "ok 1:a=1"},
      {"s: * 1 FETCH (BODY[] {1}\\r\\na UID 9)\\r\\n\nHANG", "syntax: mail.example: the server gave a message with the UID 9 that was not asked for, or twice 1:a"},
      {"s: * 1 FETCH (BODY[] {1}\\r\\na)\\r\\n\nHANG", "syntax: mail.example: the server gave a message without its UID 1:a"},
      {"s: * 1 FETCH (UID 1 BODY[] {9}\\r\\nabc\nCLOSE", "closed: mail.example: the server closed the connection 9:abc"},
      {"s: * 1 FETCH (UID 1 BODY[] {9999999999999}\\r\\nabc\nHANG", "syntax: mail.example: the server announces a message of 9999999999999 octets"},
      {"S: * OK [UIDVALIDITY 8] surprise\nS: a5 OK x\n" + bye(6), "syntax: mail.example: the server has renumbered the messages of INBOX (another UIDVALIDITY)"},
      {"S: * BYE going home\nCLOSE", "closed: mail.example: the server closed the connection: going home"},
      {"S: a9 OK x\nHANG", "syntax: mail.example: an answer that belongs to no command"},
      {"S: + go\nHANG", "syntax: mail.example: the server asks for more where nothing was to come"},
      {"S: * 1 FETCH (UID 0)\nHANG", "syntax: mail.example: what the server says is no IMAP (Zero is not allowed here): \"* 1 FETCH (UID 0)\""},
  };
  for (const auto& c : cases) EXPECT_EQ(run(kIn + kSelected + ask + c.said, {"select INBOX", "messages 1 3", "logout"}).outcomes.back(), c.outcome);
}

TEST(ImapMessages, Append) {
  // Two without waiting; the first is refused, the second is not.
  EXPECT_EQ(run(kIn + "C: a4 APPEND \"x\" (\\Seen) {5+}\nC: hello\nC: a5 APPEND \"x\" (\\Seen) {3+}\nC: you\nS: a4 NO [OVERQUOTA] full\nS: a5 OK [APPENDUID 7 20] x\n" + bye(6),
                {"append x hello you", "logout"}).outcomes.back(),
            "ok (over quota: mail.example: the server said NO to APPEND: full) 20");
  // With waiting.
  EXPECT_EQ(run(kOld + "C: a4 APPEND \"x\" (\\Seen) {5}\nS: a4 NO [TRYCREATE] none\nC: a5 APPEND \"x\" (\\Seen) {3}\nS: + go\nC: you\nS: a5 OK x\n" + bye(6),
                {"append x hello you", "logout"}).outcomes.back(),
            "ok (not found: mail.example: the server said NO to APPEND: none) 0");
  EXPECT_EQ(run(kIn, {"append x lying"}).outcomes.back(), "io: mail.example: a message has changed while it was being sent");
  EXPECT_EQ(run(kIn + "C: a4 APPEND \"x\" (\\Seen) {5+}\nC: hello\nCLOSE", {"append x hello"}).outcomes.back(), "closed: mail.example: the server closed the connection");
}

TEST(ImapMessages, AppendAll) {
  EXPECT_EQ(run(kIn + "C: a4 APPEND \"x\" (\\Seen) XUID 7 5 {5+}\nC: hello (\\Seen) {3+}\nC: you\nS: a4 OK [APPENDUID 7 5:6] x\n" + bye(5),
                {"append-all x hello you", "logout"}).outcomes.at(1), "ok 7/5 7/6");
  // In the order of the messages; what does not fit them tells nothing.
  for (const auto& [told, out] : {std::pair{"9,4", "ok 7/9 7/4"}, {"5", "ok"}, {"5:7", "ok"}, {"1:4294967295", "ok"}})
    EXPECT_EQ(run(kIn + "C: a4 APPEND \"x\" (\\Seen) XUID 7 5 {5+}\nC: hello (\\Seen) {3+}\nC: you\nS: a4 OK [APPENDUID 7 " + told + "] x\n" + bye(5),
                  {"append-all x hello you", "logout"}).outcomes.at(1), out);
  EXPECT_EQ(run(kOld + "C: a4 APPEND \"x\" (\\Seen) XUID 7 5 {5}\nS: + go\nC: hello (\\Seen) {3}\nS: a4 NO [TOOBIG] no\n" + bye(5),
                {"append-all x hello you", "logout"}).outcomes.at(1), "too large: mail.example: the server said NO to APPEND: no");
}

// What is uploaded has to be stored before the answer to it.
TEST(ImapMessages, AnswersToAppendMayTakeLonger) {
  EXPECT_GE(ImapTimeouts().answer, 10min);
  for (const std::string call : {"append x hello", "append-all x hello"}) {
    auto d = make_imap_dialogue(kIn + "C: a4 APPEND *\nC: hello\nDEAF", {call});
    d.options.timeouts.answer = 50ms;
    EXPECT_EQ(play(std::move(d)).outcomes.back(), "timed out: mail.example: the server does not answer");
  }
}

TEST(ImapMessages, Changes) {
  const auto played = run(kIn + kSelected + "C: a5 UID STORE 1:3 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Flagged $x)\nS: * 1 FETCH (UID 1 MODSEQ (13))\nS: a5 OK [MODIFIED 2,3] x\n"
                                            "C: a6 UID MOVE 1:2 \"b\"\nS: * OK [COPYUID 9 1:2 11,14] x\nS: * VANISHED 1:2\nS: a6 OK x\n" + bye(7),
                          {"select INBOX", "store 1 3", "move 1 2 b", "news", "logout"});
  EXPECT_EQ((Strings{played.outcomes.begin() + 2, played.outcomes.end()}), (Strings{"ok 2:3", "ok 1>11 2>14", "ok fetch 1@13 vanished 1:2"}));
  const auto expunged = run(kIn + kSelected + "C: a5 UID STORE 3:4 +FLAGS.SILENT (\\Deleted)\nS: a5 OK x\nC: a6 UID EXPUNGE 3:4\nS: * 2 EXPUNGE\nS: a6 OK x\n"
                                              "C: a7 UID SEARCH HEADER Message-ID \"<a@b>\"\nS: * SEARCH 5 7\nS: a7 OK x\n" + bye(8),
                            {"select INBOX", "expunge 3 4", "search <a@b>", "logout"});
  EXPECT_EQ((Strings{expunged.outcomes.begin() + 2, expunged.outcomes.end()}), (Strings{"ok", "ok 5,7"}));
  // A server that lies about what it has copied is not believed.
  const auto lies = run(kIn + kSelected + "C: a5 UID MOVE 1:2 \"b\"\nS: a5 OK [COPYUID 9 1:4294967295 1:4294967295] x\nC: a6 UID MOVE 1:2 \"b\"\nS: a6 OK [COPYUID 9 1:2 5] x\n" + bye(7),
                        {"select INBOX", "move 1 2 b", "move 1 2 b", "logout"});
  EXPECT_EQ((Strings{lies.outcomes.begin() + 2, lies.outcomes.end()}), (Strings{"ok", "ok"}));
}

TEST(ImapMessages, OldServersMoveByCopying) {
  const auto selected = "C: a4 SELECT \"INBOX\"\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 7] x\nS: a4 OK x\n";
  EXPECT_EQ(run(kOld + selected + bye(5), {"select INBOX", "move 1 2 b", "logout"}).outcomes.back(),
            "unsupported: mail.example: the server can neither move messages nor expunge single ones");
  EXPECT_EQ(run(kOld + selected + "C: a5 UID STORE 1:2 +FLAGS.SILENT (\\Deleted)\nS: a5 OK x\n" + bye(6), {"select INBOX", "expunge 1 2", "logout"}).outcomes.back(), "ok, marked");
}

TEST(ImapIdle, HearsWhatIsNew) {
  EXPECT_EQ(run(kIn + kSelected + "C: a5 IDLE\nS: + idling\nWAIT\nS: * 4 EXISTS\nC: DONE\nS: a5 OK x\n" + bye(6), {"select INBOX", "idle", "news", "logout"}).outcomes,
            (Strings{"ok", "ok 3 messages, validity 7, next 9, modseq 12, any keyword", "ok new", "ok exists 4"}));
  EXPECT_EQ(run(kOld + "C: a4 SELECT \"x\"\nS: * OK [UIDVALIDITY 7] x\nS: a4 OK x\nC: a5 NOOP\nS: a5 OK x\nC: a6 NOOP\nS: * 1 EXPUNGE\nS: a6 OK x\n" + bye(7),
                {"select x", "idle", "news", "logout"}).outcomes.back(),
            "ok expunge 1");
  EXPECT_EQ(run(kIn + kSelected + "C: a5 IDLE\nS: + idling\nS: * BYE shutdown\nCLOSE", {"select INBOX", "idle"}).outcomes.back(),
            "closed: mail.example: the server closed the connection: shutdown");
}

TEST(ImapNotify, FollowsAllMailboxes) {
  std::string in = kIn;
  for (std::size_t at = 0; (at = in.find("IDLE", at)) != in.npos; at += 11) in.insert(at, "NOTIFY ");
  const std::string as_ever = " NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))";
  const std::string all = " NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))";
  const std::string begin = in + "C: a4" + as_ever + "\nS: a4 OK x\nC: a5" + all + "\n";
  const std::string told = "S: * STATUS INBOX (UIDNEXT 3)\nS: * STATUS Old (UIDNEXT 1)\nS: * LIST (\\NonExistent) \"/\" Old\nS: * STATUS A (UIDNEXT 1)\nS: a5 OK x\n";
  const std::string heard =
      "C: a6 IDLE\nS: + idling\nWAIT\nS: * STATUS A (UIDNEXT 2 MESSAGES 1)\nS: * LIST (\\HasNoChildren) \"/\" D (\"OLDNAME\" (C))\nS: * LIST (\\NonExistent) \"/\" E\n";
  // What is pushed counts for nothing that is asked afterwards.
  EXPECT_EQ(run(begin + told + heard + "C: DONE\nS: a6 OK x\nC: a7" + as_ever + "\nS: * STATUS A (UIDNEXT 3)\nS: a7 OK x\nC: a8 NOOP\nS: a8 OK x\n" + bye(9),
                {"follow-all", "idle", "news", "follow-selected", "noop", "news", "logout"}).outcomes,
            (Strings{"ok", "ok A=1 INBOX=3", "ok new", "ok status A list D<C list E!", "ok", "ok", "ok"}));
  EXPECT_EQ(run(begin + told + "C: a6 IDLE\nS: + idling\nS: * OK [NOTIFICATIONOVERFLOW] x\nC: DONE\nS: a6 OK x\n" + bye(7), {"follow-all", "idle", "news", "logout"}).outcomes.back(),
            "ok overflow");
}

TEST(ImapNotify, ServersThatWillNot) {
  std::string in = kIn;
  for (std::size_t at = 0; (at = in.find("IDLE", at)) != in.npos; at += 11) in.insert(at, "NOTIFY ");
  const std::string as_ever = " NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))";
  const std::string all = " NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))";
  const std::string first = in + "C: a4" + as_ever + "\nS: a4 OK x\nC: a5" + all + "\n";
  const std::string back = "C: a6" + as_ever + "\nS: a6 OK x\n";
  struct Row {
    std::string script;
    int bye;
  };
  const Row rows[] = {{kIn, 4},
                      {in + "C: a4" + as_ever + "\nS: a4 BAD x\n", 5},
                      {in + "C: a4" + as_ever + "\nS: a4 NO [BADEVENT (MessageNew)] x\n", 5},
                      {first + "S: a5 NO [NOTIFICATIONOVERFLOW] x\n" + back, 7},
                      {first + "S: a5 OK but tells nothing\n" + back, 7}};
  // It is asked once.
  for (const auto& row : rows)
    EXPECT_EQ(run(row.script + bye(row.bye), {"follow-all", "follow-all", "logout"}).outcomes, (Strings{"ok", "ok no", "ok no"})) << row.script;
}

TEST(ImapMessages, UnsolicitedIsBounded) {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "S: * 4 EXISTS\n";
  auto d = make_imap_dialogue(kIn + "C: a4 NOOP\n" + many + "S: a4 OK x\n" + bye(5), {"noop", "news", "logout"});
  d.options.unsolicited = 2;
  EXPECT_EQ(play(std::move(d)).outcomes.back(), "ok exists 4 exists 4 overflow");
}

}  // namespace
}  // namespace posthorn::client
