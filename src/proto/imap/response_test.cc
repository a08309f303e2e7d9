#include <gtest/gtest.h>

#include "proto/imap/response.h"
#include "proto/imap/response_reader.h"
#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

using namespace std::string_literals;

// Every event as text; a message that was cut is one again.
std::string events_of(std::string_view said, std::size_t step, ResponseLimits limits = {}) {
  ResponseReader reader(limits);
  std::string out;
  bool in_message = false;
  for (std::size_t at = 0; at < said.size(); at += step) {
    std::string_view in = said.substr(at, step);
    for (;;) {
      const auto event = reader.next(in);
      if (!event) return out + "error: " + event.error().text;
      if (!*event) break;
      const auto& e = **event;
      if (e.kind == ResponseEvent::Kind::message) {
        if (!in_message) out += "<";
        in_message = true;
        out += e.text;
        continue;
      }
      if (in_message) out += ">\n";
      in_message = false;
      if (e.kind == ResponseEvent::Kind::message_begin) out += "[" + std::to_string(e.size) + "] ";
      out += e.kind == ResponseEvent::Kind::message_end ? "end" : std::string(e.text);
      out += "\n";
    }
    EXPECT_TRUE(in.empty());
  }
  return out;
}

TEST(ResponseReader, IsTheSameHoweverTheStreamIsCut) {
  const struct { std::string said, events; } cases[] = {
      {"* OK hello\r\n* 3 EXISTS\na1 OK done\r\n", "* OK hello\n* 3 EXISTS\na1 OK done\n"},
      {"* LIST () \"/\" {5}\r\na\r\nbc\r\n* 1 EXPUNGE\r\n", "* LIST () \"/\" {5}\r\na\r\nbc\n* 1 EXPUNGE\n"},
      {"* LIST () \"/\" ~{3+}\r\na\"\r\r\n", "* LIST () \"/\" {3}\r\na\"\r\n"},
      {"* LIST () \"/\" {2}\r\na\r\n", "* LIST () \"/\" {2}\r\na\r\n"},  // the literal ends in CR, the line in LF
      {"* LIST () {1}\r\n/ {0}\r\n\r\n", "* LIST () {1}\r\n/ {0}\r\n\n"},
      {"* 2 FETCH (UID 9 BODY[] {7}\r\nhe\r\nllo FLAGS ())\r\n", "[7] * 2 FETCH (UID 9 BODY[] \n<he\r\nllo>\nend\n* 2 FETCH (UID 9 BODY[] {0}\r\n FLAGS ())\n"},
      {"* 2 FETCH (BODY[] {0}\r\n UID 9)\r\n", "[0] * 2 FETCH (BODY[] \nend\n* 2 FETCH (BODY[] {0}\r\n UID 9)\n"},
      {"* 2 FETCH (BINARY[1]<0> ~{1}\r\nx)\r\n", "[1] * 2 FETCH (BINARY[1]<0> \n<x>\nend\n* 2 FETCH (BINARY[1]<0> {0}\r\n)\n"},
      {"* 2 FETCH (RFC822.HEADER {1}\r\nx BODY[TEXT] {1}\r\ny)\r\n",
       "[1] * 2 FETCH (RFC822.HEADER \n<x>\nend\n[1] * 2 FETCH (RFC822.HEADER {0}\r\n BODY[TEXT] \n<y>\nend\n"
       "* 2 FETCH (RFC822.HEADER {0}\r\n BODY[TEXT] {0}\r\n)\n"},
      {"* 2 FETCH (BODY[HEADER.FIELDS (DATE)] {1}\r\nx UID 3)\r\n", "* 2 FETCH (BODY[HEADER.FIELDS (DATE)] {1}\r\nx UID 3)\n"},
      {"* 2 FETCH (ENVELOPE ({1}\r\nx))\r\n", "* 2 FETCH (ENVELOPE ({1}\r\nx))\n"},
      {"* NO beware of {5}\r\na1 NO {3}\r\n+ {9}\r\n", "* NO beware of {5}\na1 NO {3}\n+ {9}\n"},
  };
  for (const auto& c : cases)
    for (const std::size_t step : {1u, 2u, 3u, 7u, 1000u}) EXPECT_EQ(events_of(c.said, step), c.events) << "pieces of " << step;
}

TEST(ResponseReader, Limits) {
  const ResponseLimits small{.line = 40, .message = 10};
  for (const std::string& said : {"* OK "s + std::string(100, 'x'), "* LIST () \"/\" {100}\r\n"s, "* LIST () \"/\" {99999999999999999999999}\r\n"s,
                                 "* 1 FETCH (BODY[] {11}\r\n"s, "* LIST ("s + "{0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n"})
    for (const std::size_t step : {1u, 5u, 1000u}) EXPECT_NE(events_of(said, step, small).find("error: "), std::string::npos) << said;
  EXPECT_EQ(events_of("* 1 FETCH (BODY[] {10}\r\n0123456789)\r\n", 3, small), "[10] * 1 FETCH (BODY[] \n<0123456789>\nend\n* 1 FETCH (BODY[] {0}\r\n)\n");
}

template <class T>
T parsed(std::string_view text, ResponseLimits limits = {}) {
  auto got = parse_response(text, limits);
  if (!got || !std::holds_alternative<T>(*got)) {
    ADD_FAILURE() << text << ": " << (got ? "another kind" : got.error().text);
    return {};
  }
  return std::get<T>(*std::move(got));
}

std::string text_of(const std::vector<NumberRange>& ranges) {
  std::string out;
  for (const auto r : ranges) out += (out.empty() ? "" : ",") + std::to_string(r.first) + (r.first == r.last ? "" : ":" + std::to_string(r.last));
  return out;
}
std::string text_of(const NumberSet& set) { return text_of(set.ranges()); }

TEST(Response, StatusAndCodes) {
  using Kind = StatusResponse::Kind;
  const auto plain = parsed<StatusResponse>("a1 OK done");
  EXPECT_TRUE(plain.kind == Kind::ok && plain.tag == "a1" && plain.code.name.empty() && plain.text == "done");
  EXPECT_EQ(parsed<StatusResponse>("* bye").kind, Kind::bye);
  EXPECT_EQ(parsed<StatusResponse>("* PREAUTH [CAPABILITY IMAP4rev1 x=y] hi").code.words, (std::vector<std::string>{"IMAP4REV1", "X=Y"}));
  EXPECT_EQ(parsed<StatusResponse>("* OK [UIDVALIDITY 4294967295]").code.number, 4294967295);
  EXPECT_EQ(parsed<StatusResponse>("* OK [HIGHESTMODSEQ 9223372036854775807] x").code.number, 9223372036854775807u);
  EXPECT_EQ(parsed<StatusResponse>("* OK [NOMODSEQ] x").code.name, "NOMODSEQ");
  EXPECT_EQ(parsed<StatusResponse>("* OK [PERMANENTFLAGS (\\Seen a \\*)] x").code.words, (std::vector<std::string>{"\\Seen", "a", "\\*"}));
  const auto copied = parsed<StatusResponse>("a OK [COPYUID 7 5:3,9 11:13,20] x").code;
  EXPECT_TRUE(copied.number == 7 && text_of(copied.from) == "3:5,9" && text_of(copied.to) == "11:13,20");
  const auto appended = parsed<StatusResponse>("a OK [APPENDUID 38505 3955] x").code;
  EXPECT_TRUE(appended.number == 38505 && text_of(appended.to) == "3955");
  EXPECT_EQ(text_of(parsed<StatusResponse>("a NO [MODIFIED 7,9] x").code.from), "7,9");
  EXPECT_EQ(parsed<StatusResponse>("a NO [TRYCREATE] no such").text, "no such");
  EXPECT_EQ(parsed<StatusResponse>("a NO [X \"]\\\"]\" y] z").text, "z");
  EXPECT_EQ(parsed<StatusResponse>("a NO").text, "");
  EXPECT_EQ(parsed<ContinuationResponse>("+ abc").text, "abc");
  EXPECT_EQ(parsed<ContinuationResponse>("+").text, "");
}

TEST(Response, Mailboxes) {
  const auto plain = parsed<ListResponse>("* LIST (\\HasNoChildren \\Sent \\Subscribed) \"/\" \"Entw&APw-rfe\"");
  EXPECT_TRUE(plain.mailbox == "Entwürfe" && plain.as_sent == "Entw&APw-rfe" && plain.delimiter == '/' && plain.subscribed);
  EXPECT_EQ(plain.special_uses, static_cast<std::uint8_t>(SpecialUse::sent));
  EXPECT_EQ(parsed<ListResponse>("* LIST () NIL inbox").mailbox, "INBOX");
  EXPECT_EQ(parsed<ListResponse>("* LIST () \"\\\\\" a").delimiter, '\\');
  EXPECT_EQ(parsed<ListResponse>("* LIST () \".\" {3}\r\na\"b").mailbox, "a\"b");
  EXPECT_EQ(parsed<ListResponse>("* LIST () \".\" a&b").mailbox, "a&b");  // no UTF-7: as it came
  EXPECT_EQ(parsed<ListResponse>("* LIST () \".\" \"a&b\"", {.utf8 = true}).mailbox, "a&b");
  EXPECT_TRUE(parsed<ListResponse>("* LSUB (\\NonExistent) \".\" x").non_existent);
  EXPECT_EQ(parsed<ListResponse>("* LIST () \"/\" new (\"OLDNAME\" (\"old\") CHILDINFO (\"SUBSCRIBED\"))").old_name, "old");
  const auto status = parsed<MailboxStatusResponse>("* STATUS \"a b\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 12 MAILBOXID (F1) X-Y (1 2))");
  EXPECT_TRUE(status.mailbox == "a b" && status.items.messages == 3u && status.items.uid_next == 9u && status.items.uid_validity == 7u);
  EXPECT_TRUE(status.items.high_mod_seq == 12u && status.items.mailbox_id == "F1" && !status.items.unseen);
  const auto spaces = parsed<NamespaceResponse>("* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#news.\" \".\" \"X\" (\"y\"))(\"p/\" \"/\"))");
  EXPECT_TRUE(spaces.personal.size() == 1 && spaces.personal[0].prefix == "INBOX." && spaces.others.empty() && spaces.shared.size() == 2);
}

TEST(Response, Messages) {
  EXPECT_EQ(parsed<ExistsResponse>("* 0 EXISTS").count, 0u);
  EXPECT_EQ(parsed<ExpungeResponse>("* 4294967295 expunge").number, 4294967295u);
  const auto vanished = parsed<VanishedResponse>("* VANISHED (EARLIER) 41,43:116,9:7");
  EXPECT_TRUE(vanished.earlier && text_of(vanished.uids) == "7:9,41,43:116");
  const auto fetch = parsed<FetchResponse>("* 5 FETCH (UID 7 FLAGS (\\Seen \\Foo $A $a) MODSEQ (65402) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""
                                           " RFC822.SIZE 44827 EMAILID (M6d) ENVELOPE (NIL \"x)\" ((\"a\")) {3}\r\n)\"() BODY[HEADER.FIELDS (DATE \"X\")] \"y\" BODY[] NIL)");
  EXPECT_TRUE(fetch.number == 5 && fetch.uid == 7u && fetch.mod_seq == 65402u && fetch.size == 44827u && fetch.email_id == "M6d");
  EXPECT_TRUE(fetch.flags->has(SystemFlag::seen) && fetch.flags->keywords == std::vector<std::string>{"$A"});
  EXPECT_EQ(fetch.internal_date->offset_minutes, -420);
  ASSERT_EQ(fetch.sections.size(), 2u);
  EXPECT_TRUE(fetch.sections[0].name == "BODY[HEADER.FIELDS (DATE \"X\")]" && fetch.sections[0].text == "y" && !fetch.sections[1].text);
  const auto front = parse_fetch_front("* 5 FETCH (UID 7 FLAGS () BODY[] ").value();
  EXPECT_TRUE(front.uid == 7u && front.sections.back().name == "BODY[]");
  EXPECT_EQ(parsed<SearchResponse>("* SEARCH 2 84 882 (MODSEQ 917162500)").numbers.size(), 3u);
  EXPECT_TRUE(parsed<SearchResponse>("* SEARCH").numbers.empty());
  const auto found = parsed<EsearchResponse>("* ESEARCH (TAG \"a1\") UID ALL 4:18,21 COUNT 17 MODSEQ 9");
  EXPECT_TRUE(found.uid && found.tag == "a1" && text_of(found.all) == "4:18,21" && found.count == 17u);
  EXPECT_EQ(parsed<IdResponse>("* ID (\"name\" \"Cyrus\" \"os\" NIL)").fields.size(), 2u);
  EXPECT_EQ(parsed<OtherResponse>("* XYZ (what {3}").name, "XYZ");
}

TEST(Response, WhatIsNone) {
  for (const std::string_view text :
       {"", " ", "*", "* ", "a", "a b", "a BYE x", "* 1", "* 0 FETCH (UID 1)", "* 1 FETCH", "* 1 FETCH (UID 0)", "* 1 FETCH (UID 4294967296)", "* 1 FETCH (UID 1",
        "* 1 FETCH (FLAGS (\\Seen)", "* 1 FETCH (X )", "* 4294967296 EXISTS", "* 0 EXPUNGE", "* VANISHED", "* VANISHED 0", "* VANISHED 1,",
        "* LIST", "* LIST () x y", "* LIST () \"//\" y", "* LIST () \"/\" \"y", "* LIST () \"/\" {9}\r\ny", "* STATUS x", "* STATUS x (MESSAGES)",
        "* STATUS x (MESSAGES -1)", "* STATUS x (HIGHESTMODSEQ 9223372036854775808)", "* SEARCH 0", "* SEARCH x", "* ESEARCH ALL 0", "* NAMESPACE NIL",
        "a OK [UIDVALIDITY x] y", "a OK [APPENDUID 0 1] y", "a OK [COPYUID 1 1] y"})
    EXPECT_FALSE(parse_response(text)) << text;
  EXPECT_EQ(parse_response("* 1 FETCH (X " + std::string(100, '(') + std::string(100, ')') + ")").error().code, Errc::limit);
  EXPECT_EQ(for_people("a\x1b[31m\nb"), "a?[31m?b");
}

}  // namespace
}  // namespace posthorn::imap
