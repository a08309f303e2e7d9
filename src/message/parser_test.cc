#include "message/parser.h"

#include <gtest/gtest.h>

#include "message/parse_checks.h"

namespace posthorn::message {
namespace {

std::string crlf(std::string_view s) {
  std::string out;
  for (const char c : s) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

void put_shape(const Summary& s, PartIndex i, std::string& out) {
  const Part& p = s.parts[i];
  out += p.type + '/' + p.subtype;
  if (p.first_child == kNoPart) {
    out += ' ' + std::to_string(p.body.size) + ':' + std::to_string(p.lines);
    return;
  }
  out += '(';
  for (PartIndex c = p.first_child; c != kNoPart; c = s.parts[c].next_sibling) {
    if (c != p.first_child) out += ", ";
    put_shape(s, c, out);
  }
  out += ')';
}

// "multipart/mixed(text/plain SIZE:LINES, ...)"
std::string shape(const Summary& s) {
  std::string out;
  put_shape(s, 0, out);
  return out;
}

struct Ugly {
  const char* what;
  std::string_view message;  // LF here stands for CRLF
  std::string_view shape;
  std::uint32_t flags = 0;
};

constexpr std::uint32_t kBad = Summary::kMalformed;

const Ugly kUgly[] = {
    {"nothing", "", "text/plain 0:0"},
    {"only an empty line", "\n", "text/plain 0:0"},
    {"only a header", "Subject: x\n", "text/plain 0:0"},
    {"header without line end", "Subject: x", "text/plain 0:0"},
    {"plain", "Subject: x\n\nhello\n", "text/plain 7:1"},
    {"no last line end", "Subject: x\n\nhello\nworld", "text/plain 12:1"},
    {"body only", "\nhello\n", "text/plain 7:1"},
    {"no colon in the header", "garbage\nSubject: x\n\nhello\n", "text/plain 7:1"},
    {"an mbox line", "From a@b Thu Jan  1\nSubject: x\nContent-Type: text/html\n\nhello\n", "text/html 7:1"},
    {"type only", "Content-Type: text\n\nx\n", "text/plain 3:1"},
    {"garbage type", "Content-Type: ;;;=\"\n\nx\n", "text/plain 3:1"},
    {"type and a slash", "Content-Type: text/\n\nx\n", "text/plain 3:1"},
    {"comment in the type", "Content-Type: (c) text (d) / (e) html (f); charset=x\n\nx\n", "text/html 3:1"},
    {"type twice: the first counts", "Content-Type: text/html\nContent-Type: image/png\n\nx\n",
     "text/html 3:1"},
    {"type folded", "Content-Type:\n text/html;\n\tcharset=x\n\nx\n", "text/html 3:1"},
    {"unknown type", "Content-Type: X-Foo/Bar\n\nx\n", "x-foo/bar 3:1"},
    {"a multipart",
     "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Type: "
     "text/html\n\ntwo\n\n--b--\nepilogue\n",
     "multipart/mixed(text/plain 3:0, text/html 5:1)"},
    {"quoted boundary with blanks in the delimiter line",
     "Content-Type: multipart/mixed; boundary=\"b b\"\n\n--b b  \n\none\n--b b--  \n",
     "multipart/mixed(text/plain 3:0)"},
    {"unquoted boundary of specials",
     "Content-Type: multipart/mixed; boundary=----=_Next/(c)\n\n------=_Next/(c)\n\none\n------=_Next/(c)--\n",
     "multipart/mixed(text/plain 3:0)"},
    {"no boundary parameter", "Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n", "text/plain 19:4",
     kBad},
    {"empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\none\n----\n", "text/plain 17:4",
     kBad},
    {"a boundary that ends with a blank", "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\none\n--b--\n",
     "multipart/mixed(text/plain 3:0)"},
    {"an encoded boundary", "Content-Type: multipart/mixed; boundary*=us-ascii''b\n\n--b\n\none\n--b--\n",
     "multipart/mixed(text/plain 3:0)"},
    {"the boundary never comes", "Content-Type: multipart/mixed; boundary=b\n\nhello\n--c\n",
     "multipart/mixed(text/plain 12:2)", kBad},
    {"multipart without body", "Content-Type: multipart/mixed; boundary=b\n\n",
     "multipart/mixed(text/plain 0:0)", kBad},
    {"multipart without end of header", "Content-Type: multipart/mixed; boundary=b\n",
     "multipart/mixed(text/plain 0:0)", kBad},
    {"close delimiter only", "Content-Type: multipart/mixed; boundary=b\n\n--b--\n",
     "multipart/mixed(text/plain 7:1)", kBad},
    {"unterminated", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n",
     "multipart/mixed(text/plain 3:0, text/plain 5:1)", kBad},
    {"cut in the delimiter", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b-",
     "multipart/mixed(text/plain 3:0, text/plain 0:0)", kBad},
    {"close delimiter without line end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--",
     "multipart/mixed(text/plain 3:0)"},
    {"parts without bodies",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\nContent-Type: text/html\n--b--\n",
     "multipart/mixed(text/plain 0:0, text/html 0:0)", kBad},
    {"empty part", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n",
     "multipart/mixed(text/plain 0:0)"},
    {"delimiter within a line", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx--b\n --b\n--b--\n",
     "multipart/mixed(text/plain 10:1)"},
    {"after the close delimiter nothing counts",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed(text/plain 3:0)"},
    {"nested",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; "
     "boundary=i\n\n--i\n\none\n--i\nContent-Type: "
     "text/html\n\ntwo\n--i--\n\n--o\nContent-Type: image/png\n\nx\n--o--\n",
     "multipart/mixed(multipart/alternative(text/plain 3:0, text/html 3:0), image/png 1:0)"},
    {"inner one unterminated",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; "
     "boundary=i\n\n--i\n\none\n--o\n\nx\n--o--\n",
     "multipart/mixed(multipart/alternative(text/plain 3:0), text/plain 1:0)", kBad},
    {"inner boundary begins with the outer one",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
     "boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed(multipart/mixed(text/plain 3:0), text/plain 3:0)"},
    {"outer boundary begins with the inner one",
     "Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: multipart/mixed; "
     "boundary=b\n\n--b\n\none\n--b--\n--bb\n\ntwo\n--bb--\n",
     "multipart/mixed(multipart/mixed(text/plain 3:0), text/plain 3:0)"},
    {"the same boundary twice: the inner one takes it",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
     "boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed(multipart/mixed(text/plain 3:0), text/plain 3:0)"},
    {"embedded message", "Content-Type: message/rfc822\n\nSubject: in\nContent-Type: text/html\n\nhi\n",
     "message/rfc822(text/html 4:1)"},
    {"embedded message without header end", "Content-Type: message/rfc822\n\nSubject: in",
     "message/rfc822(text/plain 0:0)"},
    {"embedded message without anything", "Content-Type: message/rfc822\n", "message/rfc822(text/plain 0:0)"},
    {"embedded multipart in a multipart",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\nSubject: "
     "in\nContent-Type: multipart/mixed; "
     "boundary=i\n\n--i\n\none\n--i--\n--o\n\ntwo\n--o--\n",
     "multipart/mixed(message/rfc822(multipart/mixed(text/plain 3:0)), text/plain 3:0)"},
    {"embedded message cut by a boundary in its header",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\nSubject: in\n--o--\n",
     "multipart/mixed(message/rfc822(text/plain 0:0))", kBad},
    {"part header cut where a message should be embedded",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n--o--\n",
     "multipart/mixed(message/rfc822(text/plain 0:0))", kBad},
    {"digest",
     "Content-Type: multipart/digest; boundary=o\n\n--o\n\nSubject: 1\n\none\n--o\nContent-Type: "
     "text/plain\n\ntwo\n--o--\n",
     "multipart/digest(message/rfc822(text/plain 3:0), text/plain 3:0)"},
    {"8-bit header", "Subject: caf\xE9\n\nx\n", "text/plain 3:1", Summary::kHas8Bit},
    {"NUL bytes", std::string_view("Subject: a\0b\n\n\0\n", 16), "text/plain 3:1"},
};

TEST(Parser, UglyMessages) {
  for (const Ugly& ugly : kUgly) {
    const std::string message = crlf(ugly.message);
    const Summary s = parse_message(message);
    EXPECT_EQ(shape(s), ugly.shape) << ugly.what;
    EXPECT_EQ(s.flags, ugly.flags) << ugly.what;
    EXPECT_EQ(s.size, message.size());
  }
}

TEST(Parser, SameAtEverySplit) {
  for (const Ugly& ugly : kUgly)
    for (const std::string& message : {crlf(ugly.message), std::string(ugly.message)}) {
      const Summary s = parse_message(message);
      check_tree(s);
      check_round_trip(s);
      for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        Parser parser;
        parser.feed(std::string_view(message).substr(0, cut));
        parser.feed(std::string_view(message).substr(cut));
        EXPECT_EQ(parser.finish(), s) << ugly.what << ", cut at " << cut;
      }
      EXPECT_EQ(parse_in_pieces(message, 1), s) << ugly.what;
    }
}

// A bare LF ends a line in the structure, and counts one byte where CRLF counts two.
TEST(Parser, BareLineFeeds) {
  const Summary s = parse_message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo\n--b--\n");
  EXPECT_EQ(shape(s), "multipart/mixed(text/plain 7:1)");
  EXPECT_EQ(shape(parse_message("Subject: x\n\na\rb\rc\n")), "text/plain 6:1");  // a bare CR is content
}

TEST(Parser, Ranges) {
  const std::string m = crlf(
      "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\nContent-Type: text/html\n\none\n--b--\npost");
  const Summary s = parse_message(m);
  ASSERT_EQ(s.parts.size(), 2U);
  auto bytes = [&](const Range& r) { return m.substr(r.offset, r.size); };
  EXPECT_EQ(bytes(s.root().header), crlf("Content-Type: multipart/mixed; boundary=b\n\n"));
  EXPECT_EQ(bytes(s.root().body), crlf("pre\n--b\nContent-Type: text/html\n\none\n--b--\npost"));
  EXPECT_EQ(bytes(s.parts[1].header), crlf("Content-Type: text/html\n\n"));
  EXPECT_EQ(bytes(s.parts[1].body), "one");
  EXPECT_EQ(s.root().lines, 6U);
}

// [RFC2046 5.1.1] The line end after an inner close delimiter belongs to the outer delimiter that follows at once.
TEST(Parser, ACloseDelimiterDirectlyBeforeAnOuterOne) {
  const std::string m = crlf(
      "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--i--\n--o\n\ntwo\n--o--\n");
  const Summary s = parse_message(m);
  ASSERT_EQ(s.parts.size(), 4U);
  EXPECT_EQ(m.substr(s.parts[1].body.offset, s.parts[1].body.size), crlf("--i\n\none\n--i--"));
  EXPECT_EQ(m.substr(s.parts[3].body.offset, s.parts[3].body.size), "two");
}

TEST(Parser, Fields) {
  const Summary s =
      parse_message(crlf("Received: a\nReceived: b\n by c\nX-Received: d\nDate: Fri, 21 Nov 1997 09:55:06 "
                         "-0600\nSubject: a\n folded =?utf-8?q?w?=\n"
                         "From: Jo <jo@x.test>\nSender: s@x.test\nTo: a@x.test\nTo: b@x.test\nCc: g: "
                         "c@x.test;\nMessage-ID: <1@x>\nIn-Reply-To: <0@x>\n"
                         "References: <a@x>\n <b@x>\nSubject: second\nContent-Type: text/plain; "
                         "charset=\"utf-8\"; name*0=a; name*1=b\n"
                         "Content-Transfer-Encoding: Base64 (really)\nContent-ID: <id>\nContent-Description: "
                         "de\n scription\nContent-MD5: x==\n"
                         "Content-Disposition: Attachment; filename=\"f.txt\"\nContent-Language: en, "
                         "de\nContent-Location: http://x/\n\nxx\n"));
  EXPECT_EQ(s.received_count, 2U);
  ASSERT_TRUE(s.sent);
  EXPECT_EQ(text::format_rfc5322_date(*s.sent), "Fri, 21 Nov 1997 09:55:06 -0600");
  const Envelope& e = s.envelope();
  EXPECT_EQ(e.subject, "a folded =?utf-8?q?w?=");
  EXPECT_EQ(e.from, (std::vector<Address>{{Address::Kind::mailbox, "Jo", "", "jo", "x.test"}}));
  EXPECT_EQ(e.sender_or_from().front().mailbox, "s");
  EXPECT_EQ(e.reply_to_or_from().front().mailbox, "jo");
  EXPECT_EQ(e.to.size(), 2U);
  EXPECT_EQ(e.cc.size(), 3U);
  EXPECT_EQ(e.message_id, "<1@x>");
  EXPECT_EQ(e.in_reply_to, "<0@x>");
  EXPECT_EQ(s.references, "<a@x> <b@x>");
  const Part& p = s.root();
  EXPECT_EQ(p.params, (Params{{"charset", "utf-8"}, {"name", "ab"}}));
  EXPECT_EQ(p.encoding, "base64");
  EXPECT_EQ(p.id, "<id>");
  EXPECT_EQ(p.description, "de scription");
  EXPECT_EQ(p.md5, "x==");
  ASSERT_TRUE(p.disposition);
  EXPECT_EQ(*p.disposition, (Disposition{"attachment", {{"filename", "f.txt"}}}));
  EXPECT_EQ(p.languages, (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(p.location, "http://x/");
}

TEST(Parser, ReceivedIsKnownBeforeTheEnd) {
  Parser parser;
  parser.feed("Received: a\r\nReceived: b\r\n");
  EXPECT_FALSE(parser.header_done());
  parser.feed("\r\n");
  EXPECT_TRUE(parser.header_done());
  EXPECT_EQ(parser.received_count(), 2U);
}

TEST(Parser, EmbeddedEnvelopes) {
  const Summary s =
      parse_message(crlf("Subject: top\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: "
                         "one\n\n--b\n\nSubject: two\nReceived: x\n\n--b--\n"));
  ASSERT_EQ(s.envelopes.size(), 3U);
  EXPECT_EQ(s.envelopes[0].subject, "top");
  EXPECT_EQ(s.envelopes[1].subject, "one");
  EXPECT_EQ(s.envelopes[2].subject, "two");
  EXPECT_EQ(s.received_count, 0U);
}

// ---- Limits: the message is accepted in every case.

std::string many_parts(int count) {
  std::string m = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < count; ++i) m += "--b\r\n\r\nx\r\n";
  return m + "--b--\r\n";
}

TEST(Parser, PartLimit) {
  const Summary s = parse_message(many_parts(100'000));
  EXPECT_EQ(s.parts.size(), Limits().parts);
  EXPECT_EQ(s.flags, Summary::kPartLimit);
  check_tree(s);
  check_round_trip(s);
  EXPECT_EQ(shape(parse_message(many_parts(3), {.parts = 3})),
            "multipart/mixed(text/plain 1:0, text/plain 1:0)");
  EXPECT_EQ(shape(parse_message(many_parts(3), {.parts = 1})), "application/octet-stream 37:10");
}

TEST(Parser, DepthLimit) {
  std::string m;
  for (int i = 0; i < 300; ++i) m += "Content-Type: message/rfc822\r\n\r\n";
  const Summary s = parse_message(m + "Subject: deep\r\n\r\n");
  EXPECT_EQ(s.flags, Summary::kDepthLimit);
  EXPECT_EQ(s.parts.size(), Limits().depth);
  EXPECT_EQ(s.parts.back().subtype, "octet-stream");
  check_tree(s);
  check_round_trip(s);
}

TEST(Parser, HeaderLimits) {
  const Limits small{.header_bytes = 100, .field_bytes = 50};
  const Summary s = parse_message(
      "Subject: " + std::string(80, 's') + "\r\nTo: " + std::string(80, 't') + "\r\nX: y\r\n\r\nbody", small);
  EXPECT_EQ(s.flags, Summary::kHeaderLimit);
  EXPECT_LE(s.envelope().subject->size(), 50U);
  EXPECT_EQ(s.root().body.size, 4U);
  std::string wide = "To: a@b";
  for (int i = 0; i < 50'000; ++i) wide += ", a@b";
  const Summary t = parse_message(wide + "\r\n\r\n");
  EXPECT_EQ(t.envelope().to.size(), Limits().addresses);
  EXPECT_EQ(t.flags, Summary::kAddressLimit);
}

TEST(Parser, EndlessLinesCostNoMemory) {
  const std::string chunk(1 << 16, '-');
  Parser parser;
  parser.feed("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
  for (int i = 0; i < 200; ++i) parser.feed(chunk);
  EXPECT_EQ(parser.finish().parts.size(), 2U);
}

}  // namespace
}  // namespace posthorn::message
