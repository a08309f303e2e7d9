#include "proto/imap/writer.h"

#include <gtest/gtest.h>

#include "proto/imap/cursor.h"
#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

template <class F>
std::string write(F f) {
  std::string out;
  Writer w(out);
  f(w);
  return out;
}

TEST(ImapWriter, StringsTakeTheSimplestForm) {
  struct Case {
    std::string_view text, astring, string;
  };
  const std::string long_text(1025, 'x'), long_literal = "{1025}\r\n" + long_text;
  const Case cases[] = {
      {"abc", "abc", "\"abc\""},
      {"a]b", "a]b", "\"a]b\""},
      {"", "\"\"", "\"\""},
      {"a b", "\"a b\"", "\"a b\""},
      {"nil", "\"nil\"", "\"nil\""},
      {"a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
      {"\xc3\xbc", "{2}\r\n\xc3\xbc", "{2}\r\n\xc3\xbc"},
      {"a\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb"},
      {"100%", "\"100%\"", "\"100%\""},
      {long_text, long_text, long_literal},
  };
  for (const auto& c : cases) {
    const auto astring = write([&](Writer& w) { w.astring(c.text); });
    EXPECT_EQ(astring, c.astring);
    EXPECT_EQ(write([&](Writer& w) { w.string(c.text); }), c.string);
    Cursor in(astring);
    EXPECT_EQ(in.take_astring().value(), c.text);
    EXPECT_TRUE(in.at_end());
    const auto nstring = write([&](Writer& w) { w.nstring(std::string(c.text)); });
    Cursor nin(nstring);
    EXPECT_EQ(nin.take_nstring().value(), c.text);
  }
  EXPECT_EQ(write([](Writer& w) { w.nstring(std::nullopt); }), "NIL");
  Cursor nil("NIL");
  EXPECT_EQ(nil.take_nstring().value(), std::nullopt);
}

TEST(ImapWriter, MailboxesComeBack) {
  for (std::string_view name : {"INBOX", "a & b", "Entwürfe/日本語", "x\"y", "", "a\\b%*"}) {
    const auto text = write([&](Writer& w) { w.mailbox(name); });
    EXPECT_TRUE(can_be_quoted(text));
    Cursor in(text);
    EXPECT_EQ(take_mailbox(in, {}).value(), name);
  }
  EXPECT_EQ(write([](Writer& w) { w.mailbox("台北"); }), "\"&U,BTFw-\"");
}

TEST(ImapWriter, Utf8) {
  for (std::string_view name : {"INBOX", "a & b", "Entwürfe/日本語", "x\"y", "", "&AOQ-"}) {
    const auto text = write([&](Writer& w) { w.mailbox(name, Names::utf8); });
    EXPECT_TRUE(text.starts_with('"')) << text;
    Cursor in(text, {.utf8 = true});
    EXPECT_EQ(take_mailbox(in, {.utf8 = true}).value(), name);
  }
  EXPECT_EQ(write([](Writer& w) { w.mailbox("台北", Names::utf8); }), "\"台北\"");
  EXPECT_EQ(write([](Writer& w) { w.string("\xff", Names::utf8); }), "{1}\r\n\xff");
  EXPECT_EQ(write([](Writer& w) { w.astring("ü", Names::utf8).sp().astring("u", Names::utf8); }), "\"ü\" u");
}

TEST(ImapWriter, Lists) {
  FlagList flags;
  flags.set(SystemFlag::seen);
  flags.set(SystemFlag::answered);
  flags.set(SystemFlag::recent);
  flags.keywords = {"$Forwarded", "x"};
  EXPECT_EQ(write([&](Writer& w) { w.flags(flags); }), "(\\Answered \\Seen \\Recent $Forwarded x)");
  EXPECT_EQ(write([](Writer& w) { w.flags({}); }), "()");
  EXPECT_EQ(write([](Writer& w) { w.special_uses(0xFF); }),
            "\\All \\Archive \\Drafts \\Flagged \\Junk \\Sent \\Trash \\Important");
  EXPECT_EQ(find_special_use("\\sent"), SpecialUse::sent);
  EXPECT_EQ(find_special_use("Sent"), std::nullopt);
}

TEST(ImapWriter, Sets) {
  EXPECT_EQ(write([](Writer& w) { w.uids({Uid(1), Uid(2), Uid(3), Uid(7), Uid(9), Uid(10)}); }),
            "1:3,7,9:10");
  EXPECT_EQ(write([](Writer& w) { w.uids({Uid(4294967294), Uid(4294967295)}); }), "4294967294:4294967295");
}

TEST(ImapWriter, Responses) {
  EXPECT_EQ(write([](Writer& w) { w.untagged().number(23).sp().raw("EXISTS").crlf(); }), "* 23 EXISTS\r\n");
  EXPECT_EQ(write([](Writer& w) { w.tagged("a1", Completion::no, "TRYCREATE", "No such mailbox"); }),
            "a1 NO [TRYCREATE] No such mailbox\r\n");
  EXPECT_EQ(write([](Writer& w) { w.tagged("a1", Completion::ok, "", ""); }), "a1 OK Done\r\n");
  EXPECT_EQ(write([](Writer& w) { w.tagged("*", Completion::bad, "", "x\r\n\xff"); }), "* BAD x???\r\n");
  EXPECT_EQ(write([](Writer& w) { w.untagged_status("BYE", "", "Bye"); }), "* BYE Bye\r\n");
  EXPECT_EQ(write([](Writer& w) { w.continuation("OK"); }), "+ OK\r\n");
  EXPECT_EQ(write([](Writer& w) { w.esearch("a1", true).raw(" COUNT ").number(5); }),
            "* ESEARCH (TAG \"a1\") UID COUNT 5");
  EXPECT_EQ(write([](Writer& w) { w.esearch("A]", false).crlf(); }), "* ESEARCH (TAG \"A]\")\r\n");
  EXPECT_EQ(write([](Writer& w) { w.result_range({1, 100, true}).sp().result_range({2, 3}); }),
            "-1:-100 2:3");
  EXPECT_EQ(write([](Writer& w) { w.literal8_header(2).raw("ab"); }), "~{2}\r\nab");
}

TEST(ImapSets, Resolve) {
  struct Case {
    std::string_view text;
    std::uint32_t star;
    std::string_view expected;  // empty: nothing
  };
  const Case cases[] = {
      {"2,4:7,9,12:*", 15, "2,4:7,9,12:15"},  // [RFC3501 9]
      {"*:4,5:7", 10, "4:10"},
      {"3291:*", 5, "5:3291"},
      {"4:2", 9, "2:4"},
      {"1,2,3,2", 9, "1:3"},
      {"*", 0, ""},
      {"*:*", 0, ""},
      {"5:*", 0, "5"},
      {"4294967295,4294967294,1", 3, "1,4294967294:4294967295"},
      {"1:4294967295,7", 3, "1:4294967295"},
  };
  for (const auto& c : cases) {
    const auto set = parse_sequence_set(c.text).value().resolve(c.star);
    std::string out;
    if (!set.empty()) put_number_set(out, set);
    EXPECT_EQ(out, c.expected) << c.text;
  }
}

TEST(ImapSets, Questions) {
  const auto set = parse_sequence_set("2:4,9,7:*").value();
  EXPECT_TRUE(set.has_star());
  EXPECT_EQ(set.max_number(), 9u);
  EXPECT_EQ(parse_sequence_set("*").value().max_number(), 0u);
  EXPECT_FALSE(parse_sequence_set("1:2").value().has_star());
  const auto numbers = set.resolve(8);  // 2:4,7:9
  for (std::uint32_t n = 0; n < 12; ++n)
    EXPECT_EQ(numbers.contains(n), (n >= 2 && n <= 4) || (n >= 7 && n <= 9)) << n;
  EXPECT_EQ(numbers.size(), 6u);
  EXPECT_EQ(numbers.max(), 9u);
  EXPECT_EQ(intersect(numbers, {3, 7}).ranges(), (std::vector<NumberRange>{{3, 4}, {7, 7}}));
  EXPECT_TRUE(intersect(numbers, {5, 6}).empty());
  EXPECT_EQ(parse_sequence_set("1:4294967295").value().resolve(1).size(), 4294967295u);
}

}  // namespace
}  // namespace posthorn::imap
