// Dialogues with servers of every kind.  Each is played twice: once as it is, once with every byte of the server in a piece of its own.
#include "client/smtp_connection.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/smtp_dialogue_testing.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;

struct Case {
  std::string what, script, outcome;
  std::function<void(Dialogue&)> change = {};
};

void check_once(const Case& c, bool byte_by_byte = false) {
  SCOPED_TRACE(c.what + (byte_by_byte ? ", byte by byte" : ""));
  Played played;
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto dialogue = make_dialogue(c.script);
    if (c.change) c.change(dialogue);
    dialogue.script.byte_by_byte = byte_by_byte;
    const auto begun = std::chrono::steady_clock::now();
    played = play(std::move(dialogue));
    // A machine that stood still meanwhile has let deadlines pass that are not the dialogue's.
    if (played.outcome == c.outcome || std::chrono::steady_clock::now() - begun < 10s) break;
  }
  EXPECT_EQ(played.outcome, c.outcome) << testing::PrintToString(played.transcript);
  EXPECT_EQ(played.complaints, "");
}

void check(const Case& c) {
  check_once(c);
  check_once(c, true);
}

const std::string kPlain = R"(
  S: 220 mx.example.net ESMTP
  C: EHLO client.example
  S: 250 mx.example.net
)";
const std::string kPipelining = R"(
  S: 220 mx.example.net ESMTP
  C: EHLO client.example
  S: 250-mx.example.net
  S: 250 PIPELINING
)";
const std::string kChunking = R"(
  S: 220 mx.example.net ESMTP
  C: EHLO client.example
  S: 250-mx.example.net
  S: 250-PIPELINING
  S: 250 CHUNKING
)";
const std::string kLmtp = R"(
  S: 220 mx.example.net LMTP
  C: LHLO client.example
  S: 250-mx.example.net
  S: 250 PIPELINING
)";
const std::string kQuit = R"(
  C: QUIT
  S: 221 bye
)";
const std::string kMail = "C: MAIL FROM:<me@example.org>\n";
const std::string kRcpt = "C: RCPT TO:<you@example.net>\n";
const std::string kData = "C: DATA\n";
const std::string kText = "C: Subject: x\nC:\nC: hello\nC: .\n";

const std::string kEnvelope = kMail + kRcpt + kData;
const std::string kTaken = "S: 250 ok\nS: 250 ok\nS: 354 go\n";

void two(Dialogue& d) { d.recipients = {"a@example.net", "b@example.net"}; }
const std::string kTwo = "C: RCPT TO:<a@example.net>\nC: RCPT TO:<b@example.net>\n";
void lmtp(Dialogue& d) {
  d.options.protocol = Protocol::lmtp;
  two(d);
}

TEST(SmtpOpening, GreetingAndHello) {
  const auto none = [](Dialogue& d) { d.sends = 0; };
  const auto hurry = [](Dialogue& d) {
    d.sends = 0;
    d.options.timeouts.greeting = d.options.timeouts.command = 150ms;
  };
  const Case cases[] = {
      {"good", kPlain + kQuit, "open", none},
      {"greeting of many lines", "S: 220-one\nS: 220-two\nS: 220 three\nC: EHLO client.example\nS: 250 ok\n" + kQuit, "open", none},
      {"refused", "S: 554 5.7.1 not you\nC: QUIT", "open: refused 554 (greeting)", none},
      {"busy", "S: 450 later\nC: QUIT", "open: refused 450 (greeting)", none},
      {"closing", "S: 421 later\nCLOSE", "open: refused 421 (greeting)", none},
      {"not SMTP", "S: SSH-2.0-OpenSSH_9.2", "open: bad reply (greeting)", none},
      {"TLS", "s: \\x15\\x03\\x01\\x00\\x02\\x02\\x50", "open: bad reply (greeting)", none},
      {"intermediate", "S: 354 go\nC: QUIT", "open: refused 354 (greeting)", none},
      {"gone", "CLOSE", "open: closed (greeting)", none},
      {"gone in the middle", "s: 220 mx\nCLOSE", "open: closed (greeting)", none},
      {"silent", "HANG", "open: timed out (greeting)", hurry},
      {"half a line", "s: 220 mx\nHANG", "open: timed out (greeting)", hurry},
      {"NUL", "s: 220 m\\0x\\r\\n\nC: EHLO client.example\nS: 250 ok\n" + kQuit, "open", none},
      {"old server", "S: 220 mx\nC: EHLO client.example\nS: 502 what\nC: HELO client.example\nS: 250 ok\n" + kQuit, "open", none},
      {"neither", "S: 220 mx\nC: EHLO client.example\nS: 502 what\nC: HELO client.example\nS: 550 no\nC: QUIT", "open: refused 550 (EHLO)",
       none},
      {"not now", "S: 220 mx\nC: EHLO client.example\nS: 451 later\nC: QUIT", "open: refused 451 (EHLO)", none},
      {"closing at EHLO", "S: 220 mx\nC: EHLO client.example\nS: 421 later\nCLOSE", "open: refused 421 (EHLO)", none},
      {"gone at EHLO", "S: 220 mx\nC: EHLO client.example\nCLOSE", "open: closed (EHLO)", none},
      {"gone in the offer", "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250-PIPELINING\nCLOSE", "open: closed (EHLO)", none},
      {"silent at EHLO", "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nHANG", "open: timed out (EHLO)", hurry},
      {"changing code", "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 550 no\n", "open: bad reply (EHLO)", none},
      {"LMTP", kLmtp + kQuit, "open",
       [](Dialogue& d) {
         lmtp(d);
         d.sends = 0;
       }},
      {"no LMTP", "S: 220 mx\nC: LHLO client.example\nS: 500 what\nC: QUIT", "open: refused 500 (EHLO)", lmtp},
  };
  for (const auto& c : cases) check(c);
}

// One reply too many would be taken for the answer to the next command, and in the end a message for accepted that was not.
TEST(SmtpOpening, RepliesThatNobodyAskedFor) {
  check_once({"greets twice", "s: 220 mx\\r\\n220 again\\r\\n\nHANG", "open: bad reply (EHLO)"});
  check_once(
      {"answers EHLO twice", "S: 220 mx\nC: EHLO client.example\ns: 250 mx\\r\\n250 mx\\r\\n\nHANG", "not tried | bad reply (MAIL)"});
  check_once({"leaves while nothing is asked", "S: 220 mx\nC: EHLO client.example\ns: 250 mx\\r\\n421 bye\\r\\n\nCLOSE",
              "not tried | refused 421 (MAIL)"});
  check_once({"answers twice before the end of the message",
              kPipelining + kEnvelope + "s: 250 ok\\r\\n250 ok\\r\\n354 go\\r\\n250 ok\\r\\n\nHANG", "not tried | bad reply (message)"});
  check_once({"answers before the chunk", kChunking + kMail + kRcpt + "s: 250 ok\\r\\n250 ok\\r\\n250 ok\\r\\n\nHANG",
              "not tried | bad reply (message)"});
}

TEST(SmtpTransaction, OneByOne) {
  const Case cases[] = {
      {"good", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 354 go\n" + kText + "S: 250 2.0.0 queued\n" + kQuit,
       "accepted 250"},
      {"dots", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 251 ok\n" + kData + "S: 354 go\nC: ..\nC: a\nC: ..b\nC: .\nS: 250 ok\n" + kQuit,
       "accepted 250", [](Dialogue& d) { d.text = ".\r\na\n.b"; }},
      {"nothing", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 354 go\nC: .\nS: 250 ok\n" + kQuit, "accepted 250",
       [](Dialogue& d) { d.text = ""; }},
      {"sender refused", kPlain + kMail + "S: 550 5.7.1 no\n" + kQuit, "refused 550 (MAIL)"},
      {"recipient refused", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 450 4.2.1 later\n" + kQuit, "refused 450 (RCPT)"},
      {"one refused",
       kPlain + kMail + "S: 250 ok\nC: RCPT TO:<a@example.net>\nS: 550 no\nC: RCPT TO:<b@example.net>\nS: 250 ok\n" + kData +
           "S: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "refused 550 (RCPT), accepted 250", two},
      {"DATA refused", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 554 no\n" + kQuit, "refused 554 (DATA)"},
      {"message refused",
       kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 354 go\n" + kText + "S: 550 5.7.1 spam\n" + kQuit,
       "refused 550 (end of message)"},
      {"DATA answered by 250", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 250 ok\n",
       "not tried | bad reply (DATA)"},
      {"MAIL answered by 354", kPlain + kMail + "S: 354 go\n", "not tried | bad reply (MAIL)"},
      {"end answered by 354", kPlain + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 354 go\n" + kText + "S: 354 go\n",
       "unknown | bad reply (end of message)"},
  };
  for (const auto& c : cases) check(c);
}

TEST(SmtpTransaction, Pipelined) {
  const Case cases[] = {
      {"good", kPipelining + kEnvelope + kTaken + kText + "S: 250 ok\n" + kQuit, "accepted 250"},
      {"not wanted", kPipelining + kMail + "S: 250 ok\n" + kRcpt + "S: 250 ok\n" + kData + "S: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "accepted 250", [](Dialogue& d) { d.options.pipelining = false; }},
      {"one refused", kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "accepted 250, refused 550 (RCPT)", two},
      {"all refused, DATA too", kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 450 no\nS: 550 no\nS: 503 no recipients\n" + kQuit,
       "refused 450 (RCPT), refused 550 (RCPT)", two},
      // [RFC2920 3.1]
      {"all refused, but DATA taken",
       kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 450 no\nS: 550 no\nS: 354 go\nC: .\nS: 554 no recipients\n" + kQuit,
       "refused 450 (RCPT), refused 550 (RCPT)", two},
      {"all refused, DATA taken, gone", kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 450 no\nS: 550 no\nS: 354 go\nC: .\nCLOSE",
       "refused 450 (RCPT), refused 550 (RCPT) | closed (DATA)", two},
      {"sender refused", kPipelining + kEnvelope + "S: 550 no\nS: 503 MAIL first\nS: 503 RCPT first\n" + kQuit, "refused 550 (MAIL)"},
      {"sender refused, but the rest taken", kPipelining + kEnvelope + "S: 550 no\nS: 250 ok\nS: 354 go\n",
       "refused 550 (MAIL) | bad reply (DATA)"},
      {"sender refused, and gone", kPipelining + kEnvelope + "S: 550 no\nCLOSE", "refused 550 (MAIL) | closed (RCPT)"},
      {"DATA refused", kPipelining + kEnvelope + "S: 250 ok\nS: 250 ok\nS: 451 no\n" + kQuit, "refused 451 (DATA)"},
      {"replies of many lines",
       kPipelining + kEnvelope + "S: 250-a\nS: 250 b\nS: 250-a\nS: 250 b\nS: 354-go\nS: 354 on\n" + kText + "S: 250-a\nS: 250 b\n" + kQuit,
       "accepted 250"},
      {"too many recipients",
       kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 250 ok\nS: 452 4.5.3 too many\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "accepted 250, postponed 452", two},
      {"too many recipients, old server",
       kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 250 ok\nS: 552 too many\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "accepted 250, postponed 552", two},
      {"too many, and none taken", kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 452 too many\nS: 452 too many\nS: 503 no\n" + kQuit,
       "refused 452 (RCPT), refused 452 (RCPT)", two},
      {"mailbox full",
       kPipelining + kMail + kTwo + kData + "S: 250 ok\nS: 250 ok\nS: 552 5.2.2 full\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "accepted 250, refused 552 (RCPT)", two},
      {"an address that cannot be said",
       kPipelining + kMail + "C: RCPT TO:<b@example.net>\n" + kData + kTaken + kText + "S: 250 ok\n" + kQuit,
       "refused 553 (RCPT), accepted 250", [](Dialogue& d) { d.recipients = {"a\r\nRSET@example.net", "b@example.net"}; }},
      {"no address that can be said", kPipelining + kQuit, "refused 553 (RCPT)",
       [](Dialogue& d) { d.recipients = {"\xc3\xbc@example.net"}; }},
  };
  for (const auto& c : cases) check(c);
}

TEST(SmtpTransaction, Chunks) {
  const std::string envelope = kChunking + kMail + kRcpt + "S: 250 ok\nS: 250 ok\n";
  const auto large = [](Dialogue& d) { d.text = std::string(150'000, 'x'); };
  const Case cases[] = {
      {"good", envelope + "C: BDAT 21 LAST\nB: 21\nS: 250 ok\n" + kQuit, "accepted 250"},
      {"line ends", envelope + "C: BDAT 6 LAST\nC: .\nC: a\nS: 250 ok\n" + kQuit, "accepted 250", [](Dialogue& d) { d.text = ".\na"; }},
      {"empty", envelope + "C: BDAT 0 LAST\nS: 250 ok\n" + kQuit, "accepted 250", [](Dialogue& d) { d.text = ""; }},
      {"binary",
       "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250-BINARYMIME\nS: 250 CHUNKING\nC: MAIL FROM:<me@example.org> "
       "BODY=BINARYMIME\nS: 250 ok\n" +
           kRcpt + "S: 250 ok\nC: BDAT 4 LAST\nB: 4\nS: 250 ok\n" + kQuit,
       "accepted 250",
       [](Dialogue& d) {
         d.mail.body = smtp::Body::binary_mime;
         d.text = "\n.\r\n";
       }},
      {"not for all", kChunking + kEnvelope + kTaken + kText + "S: 250 ok\n" + kQuit, "accepted 250",
       [](Dialogue& d) { d.options.chunking = Chunking::when_needed; }},
      {"large",
       envelope + "C: BDAT 65536\nB: 65536\nS: 250 ok\nC: BDAT 65536\nB: 65536\nS: 250 ok\nC: BDAT 18930 LAST\nB: 18930\nS: 250 ok\n" +
           kQuit,
       "accepted 250", large},
      {"refused at the end", envelope + "C: BDAT 21 LAST\nB: 21\nS: 550 spam\n" + kQuit, "refused 550 (end of message)"},
      {"no recipient", kChunking + kMail + kTwo + "S: 250 ok\nS: 550 no\nS: 550 no\n" + kQuit, "refused 550 (RCPT), refused 550 (RCPT)",
       two},
      {"refused in the middle", envelope + "C: BDAT 65536\nB: 65536\nC: BDAT 65536\nB: 65536\nS: 552 5.3.4 too big\nS: 503 no\n" + kQuit,
       "refused 552 (message)", large},
      {"gone in the middle", envelope + "C: BDAT 65536\nB: 65536\nCLOSE", "not tried | closed (message)", large},
      {"gone at the end", envelope + "C: BDAT 21 LAST\nB: 21\nCLOSE", "unknown | closed (end of message)"},
      {"nonsense in the middle", envelope + "C: BDAT 65536\nB: 65536\nS: 354 go\nHANG", "not tried | bad reply (message)", large},
  };
  for (const auto& c : cases) check(c);
}

TEST(SmtpTransaction, Lmtp) {
  const std::string envelope = kLmtp + kMail + kTwo + kData;
  const std::string taken = "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
  const Case cases[] = {
      {"good", envelope + taken + kText + "S: 250 ok\nS: 250 ok\n" + kQuit, "accepted 250, accepted 250", lmtp},
      {"one refused behind the message", envelope + taken + kText + "S: 250 ok\nS: 452 4.2.2 full\n" + kQuit,
       "accepted 250, refused 452 (end of message)", lmtp},
      {"one refused before", envelope + "S: 250 ok\nS: 550 no\nS: 250 ok\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit,
       "refused 550 (RCPT), accepted 250", lmtp},
      {"all refused, DATA taken", envelope + "S: 250 ok\nS: 550 no\nS: 550 no\nS: 354 go\nC: .\nS: 503 no\n" + kQuit,
       "refused 550 (RCPT), refused 550 (RCPT)", lmtp},
      {"gone between the replies", envelope + taken + kText + "S: 250 ok\nCLOSE", "accepted 250, unknown | closed (end of message)", lmtp},
      {"closing between the replies", envelope + taken + kText + "S: 421 later\nCLOSE",
       "refused 421 (end of message), unknown | closed (end of message)", lmtp},
      {"closing behind the replies", envelope + taken + kText + "S: 250 ok\nS: 421 later\nCLOSE",
       "accepted 250, refused 421 (end of message) | refused 421 (end of message)", lmtp},
      {"chunk",
       "S: 220 mx\nC: LHLO client.example\nS: 250-mx\nS: 250 CHUNKING\n" + kMail +
           "S: 250 ok\nC: RCPT TO:<a@example.net>\nS: 250 ok\nC: RCPT TO:<b@example.net>\nS: 250 ok\n"
           "C: BDAT 21 LAST\nB: 21\nS: 250 ok\nS: 550 no\n" +
           kQuit,
       "accepted 250, refused 550 (end of message)", lmtp},
  };
  for (const auto& c : cases) check(c);
}

// Whatever happens before the end of the message was sent leaves nothing accepted; behind it nobody knows.
TEST(SmtpTransaction, TheConnectionBreaks) {
  const std::string mail = kPlain + kMail, rcpt = mail + "S: 250 ok\n" + kRcpt, data = rcpt + "S: 250 ok\n" + kData,
                    text = data + "S: 354 go\n" + kText;
  struct Point {
    std::string stage, script, gone, closing;
  };
  const Point points[] = {
      {"MAIL", mail, "not tried | closed (MAIL)", "not tried | refused 421 (MAIL)"},
      {"RCPT", rcpt, "not tried | closed (RCPT)", "not tried | refused 421 (RCPT)"},
      {"DATA", data, "not tried | closed (DATA)", "not tried | refused 421 (DATA)"},
      {"end of message", text, "unknown | closed (end of message)", "refused 421 (end of message) | refused 421 (end of message)"},
  };
  const auto hurry = [](Dialogue& d) {
    auto& t = d.options.timeouts;
    t.command = t.data = t.block = t.final_dot = 150ms;
  };
  for (const auto& p : points) {
    check({"gone at " + p.stage, p.script + "CLOSE", p.gone});
    check({"gone within the reply to " + p.stage, p.script + "s: 250 o\nCLOSE", p.gone});
    check({"gone within the lines to " + p.stage, p.script + "S: 250-o\nCLOSE", p.gone});
    check({"closing at " + p.stage, p.script + "S: 421 4.3.2 later\nCLOSE", p.closing});
    auto silent = p.gone;
    silent.replace(silent.find("closed"), 6, "timed out");
    check({"silent at " + p.stage, p.script + "HANG", silent, hurry});
    auto garbage = p.gone;
    garbage.replace(garbage.find("closed"), 6, "bad reply");
    check({"garbage at " + p.stage, p.script + "S: ?\nHANG", garbage});
  }
  check({"gone in the middle of the message", kPipelining + kEnvelope + kTaken + "C: Subject: x\nCLOSE", "not tried | closed (message)",
         [](Dialogue& d) { d.text = "Subject: x\r\n" + std::string(8'000'000, 'x'); }});
  // Nobody reads: at some point nothing more can be sent.
  check({"deaf in the middle of the message", kPipelining + kEnvelope + kTaken + "C: Subject: x\nDEAF", "not tried | timed out (message)",
         [](Dialogue& d) {
           d.text = "Subject: x\r\n" + std::string(8'000'000, 'x');
           d.options.timeouts.block = 150ms;
         }});
}

TEST(SmtpTransaction, RefusedInTheMiddleOfTheMessage) {
  const std::string begun = kPipelining + kEnvelope + kTaken + "C: Subject: x\n";
  const Case cases[] = {
      {"and closed", begun + "S: 552 5.3.4 too big\nCLOSE", "refused 552 (message) | refused 552 (message)"},
      {"and waits", begun + "S: 552 5.3.4 too big\nHANG", "refused 552 (message) | refused 552 (message)"},
      {"and is deaf", begun + "S: 552 5.3.4 too big\nDEAF", "refused 552 (message) | refused 552 (message)"},
      {"closing", begun + "S: 421 4.3.2 later\nCLOSE", "refused 421 (message) | refused 421 (message)"},
      {"accepted too early", begun + "S: 250 ok\nHANG", "not tried | bad reply (message)"},
  };
  for (auto c : cases) {
    c.change = [](Dialogue& d) {
      d.text = "Subject: x\r\n" + std::string(8'000'000, 'x');
      if (d.script.text.ends_with("DEAF")) d.options.timeouts.block = 300ms;
    };
    check(c);
    // Over TCP what is sent last before such an end may be lost, so the server says it in one piece.
    c.what += ", TCP";
    c.change = [change = c.change](Dialogue& d) {
      change(d);
      d.tcp = true;
    };
    check_once(c);
  }
}

// A drop now and then does not hold us for ever: each wait has one deadline, however often something comes.
TEST(SmtpTransaction, SlowAndEndlessReplies) {
  const auto hurry = [](Dialogue& d) { d.options.timeouts.command = 400ms; };
  std::string slow = kPlain + kMail + "s: 250 ok\n", lines = kPlain + kMail, line = kPlain + kMail + "s: 250 ";
  for (int i = 0; i < 1000; ++i) {
    slow += "s: o\nWAIT\n";
    lines += "S: 250-again\n";
    line += "xxxxxxxxxxxxxxxx";
  }
  check_once({"slow", slow, "not tried | timed out (MAIL)", hurry});
  check_once({"endless lines", lines + "HANG", "not tried | bad reply (MAIL)"});
  check_once({"endless line", line + "\nHANG", "not tried | bad reply (MAIL)"});
  check_once({"in all", kPlain + kMail + "S: 250 ok\n" + kRcpt + "HANG", "not tried | timed out (RCPT)",
              [](Dialogue& d) { d.options.timeouts.transaction = 200ms; }});
  check_once({"opening in all", "s: 220 m\nHANG", "open: timed out (greeting)", [](Dialogue& d) { d.options.timeouts.opening = 200ms; }});
}

TEST(SmtpTransaction, WhatTheServerLacks) {
  const std::string offers = "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 SIZE 1000\n";
  const Case cases[] = {
      {"too large", offers + kQuit, "not tried | too large (MAIL)", [](Dialogue& d) { d.mail.size = 1001; }},
      {"not too large", offers + "C: MAIL FROM:<me@example.org> SIZE=1000\nS: 250 ok\n" + kRcpt + "S: 550 no\n" + kQuit,
       "refused 550 (RCPT)", [](Dialogue& d) { d.mail.size = 1000; }},
      {"8 bit", offers + kQuit, "not tried | no 8BITMIME (MAIL)", [](Dialogue& d) { d.mail.body = smtp::Body::eight_bit_mime; }},
      {"binary", kChunking + kQuit, "not tried | no BINARYMIME (MAIL)", [](Dialogue& d) { d.mail.body = smtp::Body::binary_mime; }},
      {"UTF-8", offers + kQuit, "not tried | no SMTPUTF8 (MAIL)", [](Dialogue& d) { d.mail.smtp_utf8 = true; }},
      {"TLS", offers + kQuit, "not tried | no REQUIRETLS (MAIL)", [](Dialogue& d) { d.mail.require_tls = true; }},
      {"TLS offered without TLS", "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 REQUIRETLS\n" + kQuit,
       "not tried | no REQUIRETLS (MAIL)", [](Dialogue& d) { d.mail.require_tls = true; }},
      {"in time", offers + kQuit, "not tried | no DELIVERBY (MAIL)",
       [](Dialogue& d) { d.mail.deliver_by = smtp::DeliverBy{.seconds = 60}; }},
      {"later", offers + kQuit, "not tried | no FUTURERELEASE (MAIL)", [](Dialogue& d) { d.mail.hold_for_seconds = 60; }},
      {"what can be left out", kPlain + kMail + "S: 550 no\n" + kQuit, "refused 550 (MAIL)",
       [](Dialogue& d) {
         d.mail.size = 5;
         d.mail.ret = smtp::Return::full;
         d.mail.envelope_id = "x";
         d.mail.priority = 3;
         d.mail.auth = "";
         d.mail.deliver_by = smtp::DeliverBy{.seconds = 60, .return_if_late = false};
       }},
      {"all that there is",
       "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250-SIZE\nS: 250-8BITMIME\nS: 250-SMTPUTF8\nS: 250-DSN\nS: 250-DELIVERBY\nS: "
       "250-FUTURERELEASE 100 x\nS: 250-MT-PRIORITY\nS: 250 AUTH X\n"
       "C: MAIL FROM:<me@example.org> SIZE=5 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x BY=60;N HOLDFOR=7 MT-PRIORITY=3 AUTH=<>\nS: 550 no\n" +
           kQuit,
       "refused 550 (MAIL)",
       [](Dialogue& d) {
         d.mail.size = 5;
         d.mail.body = smtp::Body::eight_bit_mime;
         d.mail.smtp_utf8 = true;
         d.mail.ret = smtp::Return::full;
         d.mail.envelope_id = "x";
         d.mail.hold_for_seconds = 7;
         d.mail.priority = 3;
         d.mail.auth = "";
         d.mail.deliver_by = smtp::DeliverBy{.seconds = 60, .return_if_late = false};
       }},
      {"a sender that cannot be said", offers + kQuit, "not tried | bad command (MAIL)",
       [](Dialogue& d) { d.mail.reverse_path = smtp::Mailbox{"a\n", "b"}; }},
  };
  for (const auto& c : cases) check(c);
}

TEST(SmtpTransaction, LimitsOfTheServer) {
  const std::string offers = "S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250-PIPELINING\nS: 250 LIMITS ";
  check({"recipients", offers + "RCPTMAX=1\n" + kMail + "C: RCPT TO:<a@example.net>\n" + kData + kTaken + kText + "S: 250 ok\n" + kQuit,
         "accepted 250, postponed", two});
  check({"domains",
         offers + "RCPTDOMAINMAX=1\n" + kMail + "C: RCPT TO:<a@example.net>\nC: RCPT TO:<c@EXAMPLE.net>\n" + kData + "S: 250 ok\n" +
             kTaken + kText + "S: 250 ok\n" + kQuit,
         "accepted 250, postponed, accepted 250", [](Dialogue& d) { d.recipients = {"a@example.net", "b@example.com", "c@EXAMPLE.net"}; }});
  check({"a refused sender is refused for all",
         offers + "RCPTMAX=1\n" + kMail + "C: RCPT TO:<a@example.net>\n" + kData + "S: 550 no\nS: 503 no\nS: 503 no\n" + kQuit,
         "refused 550 (MAIL), refused 550 (MAIL)", two});
  check({"transactions", offers + "MAILMAX=1\n" + kEnvelope + kTaken + kText + "S: 250 ok\n" + kQuit, "accepted 250",
         [](Dialogue& d) { d.sends = 3; }});
}

TEST(SmtpTransaction, OneAfterTheOther) {
  const auto again = [](Dialogue& d) { d.sends = 2; };
  const std::string good = kEnvelope + kTaken + kText + "S: 250 ok\n";
  const Case cases[] = {
      {"good", kPipelining + good + good + kQuit, "accepted 250; accepted 250", again},
      {"behind a refused recipient", kPipelining + kEnvelope + "S: 250 ok\nS: 550 no\nS: 503 no\nC: RSET\nS: 250 ok\n" + good + kQuit,
       "refused 550 (RCPT); accepted 250", again},
      {"behind a refused sender", kPipelining + kEnvelope + "S: 550 no\nS: 503 no\nS: 503 no\n" + good + kQuit,
       "refused 550 (MAIL); accepted 250", again},
      {"behind a refused message", kPipelining + kEnvelope + kTaken + kText + "S: 554 no\n" + good + kQuit,
       "refused 554 (end of message); accepted 250", again},
      {"behind an empty message",
       kPipelining + kEnvelope + "S: 250 ok\nS: 550 no\nS: 354 go\nC: .\nS: 250 ok\nC: RSET\nS: 250 ok\n" + good + kQuit,
       "refused 550 (RCPT); accepted 250", again},
      {"RSET refused", kPipelining + kEnvelope + "S: 250 ok\nS: 550 no\nS: 503 no\nC: RSET\nS: 500 what\n",
       "refused 550 (RCPT); not tried | refused 500 (RSET)", again},
      {"gone at RSET", kPipelining + kEnvelope + "S: 250 ok\nS: 550 no\nS: 503 no\nC: RSET\nCLOSE",
       "refused 550 (RCPT); not tried | closed (RSET)", again},
      {"gone behind the first", kPipelining + good + "CLOSE", "accepted 250; not tried | closed (MAIL)", again},
      {"closing behind the first", kPipelining + kEnvelope + kTaken + kText + "s: 250 ok\\r\\n421 4.4.2 idle\\r\\n\nCLOSE",
       "accepted 250; not tried | refused 421 (MAIL)", again},
  };
  for (const auto& c : cases) check_once(c);
}

// More than the buffers between both sides hold: who sends all commands before it reads replies waits for ever [RFC2920 3.1].
TEST(SmtpTransaction, ManyRecipientsGoInGroups) {
  constexpr int kMany = 2000;
  auto many = [](Dialogue& d) {
    d.recipients.clear();
    for (int i = 0; i < kMany; ++i) d.recipients.push_back(std::string(200, 'r') + std::to_string(i) + "@example.net");
  };
  std::string script = kPipelining + "C: MAIL *\nS: 250 ok\n", outcome;
  for (int i = 0; i < kMany; ++i) {
    script += "C: RCPT *\nS: " + std::string(i % 2 ? "250 " : "550 ") + std::string(400, 'x') + "\n";
    outcome += std::string(i ? ", " : "") + (i % 2 ? "accepted 250" : "refused 550 (RCPT)");
  }
  check_once({"many", script + "C: DATA\nS: 354 go\n" + kText + "S: 250 ok\n" + kQuit, outcome, many});
}

class BrokenSource final : public MessageSource {
 public:
  Task<Result<std::string_view>> next() override {
    if (pieces_-- > 0) co_return piece_;
    co_return fail(Errc::corrupt, "a bad disk");
  }

 private:
  int pieces_ = 3;
  std::string piece_ = std::string(50'000, 'x');
};

Task<> serve(ScriptedServer& server) { co_await server.run(); }

Task<TransactionResult> send_what_breaks(std::string script) {
  auto pair = net::make_connection_pair();
  ScriptedServer server(std::move(pair.first), {.text = std::move(script), .tls = {}});
  TaskGroup group;
  group.spawn(Reactor::current(), serve(server));
  auto dialogue = make_dialogue("");
  SmtpConnection connection(dialogue.options);
  auto opened = co_await connection.open(std::move(pair.second));
  EXPECT_TRUE(opened);
  BrokenSource source;
  MessageToSend message{.mail = dialogue.mail,
                        .recipients = {{.forward_path = {"you", "example.net"}, .notify = {}, .original_recipient = {}}},
                        .source = &source};
  auto result = co_await connection.send(std::move(message));
  EXPECT_FALSE(connection.is_usable());
  co_await group.join();
  co_return result;
}

// The server never sees an end of what is not whole.
TEST(SmtpTransaction, AMessageThatCannotBeReadIsNotSent) {
  for (const auto& script : {kPipelining + kEnvelope + kTaken + "HANG",
                             kChunking + kMail + kRcpt + "S: 250 ok\nS: 250 ok\nC: BDAT 65536\nB: 65536\nC: BDAT 65536\nB: 65536\nHANG"}) {
    const auto result = run_task(send_what_breaks(script));
    EXPECT_EQ(result.recipients[0].state, RecipientState::not_tried);
    EXPECT_EQ(result.failure->cause, Cause::source);
    EXPECT_NE(result.failure->text.find("a bad disk"), std::string::npos);
  }
}

}  // namespace
}  // namespace posthorn::client
