#include "proto/smap/words.h"

#include <gtest/gtest.h>

#include "proto/smap/fetch_item.h"
#include "proto/smap/flags.h"
#include "proto/smap/message_set.h"
#include "proto/smap/multi_line.h"

namespace posthorn::smap {
namespace {

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> out;
  for (Words words(line); !words.at_end();) out.push_back(words.take());
  return out;
}

TEST(Words, AreSplitAndUnquoted) {
  struct Case {
    std::string_view line;
    std::vector<std::string> words;
  };
  const Case cases[] = {
      {"", {}},
      {" \t\r ", {}},
      {"NOOP\r", {"NOOP"}},
      {" OPEN  \"INBOX\"\t\"\" ", {"OPEN", "INBOX", ""}},
      {R"("5"" disks \ old")", {R"(5" disks \ old)"}},
      {R"("a"b)", {"a", "b"}},
      {R"("a""b" c"d")", {"a\"b", "c\"d\""}},
      {R"("to the end )", {"to the end "}},
      {"\"", {""}},
      {"\"\"\"", {"\""}},
  };
  for (const auto& c : cases) EXPECT_EQ(split(c.line), c.words) << c.line;
}

TEST(Words, GoOnEmptyBehindTheEnd) {
  Words words("a");
  EXPECT_EQ(words.take(), "a");
  EXPECT_EQ(words.take(), "");
  EXPECT_EQ(words.peek(), "");
}

TEST(Words, AreReadAsTheyWereWritten) {
  for (const std::string_view word : {"", "a", "a b", "\"", "\"\"", "\\", "Årsmøte", " x "}) {
    std::string out;
    put_word(out, word);
    EXPECT_EQ(split(out), std::vector<std::string>{std::string(word)});
  }
  std::string out;
  put_word(out, "a\r\nb");
  put_attribute(out, "K", "x\"\n");
  EXPECT_EQ(out, "\"a  b\"\"K=x\"\" \"");
}

TEST(Path, EndsWithAnEmptyWord) {
  Words words("INBOX a \"\" public b");
  EXPECT_EQ(*take_path(words), (std::vector<std::string>{"INBOX", "a"}));
  EXPECT_EQ(*take_path(words), (std::vector<std::string>{"public", "b"}));
  EXPECT_FALSE(take_path(words));
}

TEST(Path, IsText) {
  for (const std::string_view line : {"\"\" a", "INBOX \x01", "INBOX a\x7f", "INBOX \xff", "INBOX \"a\xc3\""}) {
    Words words(line);
    const auto path = take_path(words);
    ASSERT_FALSE(path) << line;
    EXPECT_EQ(path.error().code, Errc::syntax);
  }
  std::string deep;
  for (std::size_t i = 0; i <= kMaxLevels; ++i) deep += "a ";
  Words words(deep);
  EXPECT_FALSE(take_path(words));
}

std::string set_text(std::string_view line) {
  Words words(line);
  const auto set = take_message_set(words);
  if (!set) return "bad";
  std::string out;
  for (const auto& [first, last] : *set) {
    put_range(out, first, last);
    out += ' ';
  }
  return out + "| " + words.peek();
}

TEST(MessageSet, IsInStrictlyIncreasingOrder) {
  struct Case {
    std::string_view line, set;
  };
  const Case cases[] = {
      {"", "| "},           {"x", "| x"},           {"\"\" INBOX", "| "},   {"1", "1 | "},        {"1-3 7 +FLAGS=", "1-3 7 | +FLAGS="},
      {"1 2 3-3", "1 2 3 | "}, {"2 1", "bad"},      {"1 1", "bad"},         {"1-3 3", "bad"},     {"3-1", "bad"},
      {"0", "bad"},         {"0-3", "bad"},         {"1-", "bad"},          {"1x", "bad"},        {"1-2x", "bad"},
      {"1-2-3", "bad"},     {"1,2", "bad"},         {"-1", "| -1"},         {"999999999999999999", "999999999999999999 | "},
      {"9999999999999999999", "bad"},
  };
  for (const auto& c : cases) EXPECT_EQ(set_text(c.line), c.set) << c.line;
}

TEST(SearchScope, TakesNumbersInAnyOrder) {
  using Kind = SearchScope::Kind;
  EXPECT_EQ(parse_search_scope("all")->kind, Kind::all);
  EXPECT_EQ(parse_search_scope("MARKED")->kind, Kind::marked);
  EXPECT_EQ(parse_search_scope("Unmarked")->kind, Kind::unmarked);
  EXPECT_EQ(parse_search_scope("6,1-3,2-4")->numbers, (NumberRanges{{1, 4}, {6, 6}}));
  for (const std::string_view bad : {"", "0", "1,", ",1", "1-0", "1,0", "1 2", "NONE", "1-2-3"}) EXPECT_FALSE(parse_search_scope(bad)) << bad;
}

TEST(Flags, AreNamesInAnyCase) {
  EXPECT_EQ(parse_flag_list("seen,Marked,,nonsuch,"), kSeen | kMarked);
  std::string out;
  put_flag_list(out, 31);
  EXPECT_EQ(out, "DRAFT,MARKED,REPLIED,SEEN,DELETED");
  EXPECT_EQ(parse_flag_list(out), 31);
}

TEST(Keywords, AreAtoms) {
  EXPECT_EQ(*parse_keyword_list("a,,$b"), (std::vector<std::string>{"a", "$b"}));
  EXPECT_TRUE(parse_keyword_list("")->empty());
  EXPECT_EQ(*parse_keyword_list("two words,b\\"), (std::vector<std::string>{"$SMAP-two=20words", "$SMAP-b=5C"}));
  EXPECT_TRUE(parse_keyword_list(std::string(255, 'k')));
  EXPECT_EQ(parse_keyword_list(std::string(256, 'k')).error().code, Errc::syntax);
  EXPECT_EQ(parse_keyword_list(std::string(100, ' ')).error().code, Errc::syntax);
  for (const std::string_view bad : {"a\x01", "\xff"}) EXPECT_EQ(parse_keyword_list(bad).error().code, Errc::syntax);
}

TEST(Keywords, AreStoredAsAtomsAndComeBack) {
  for (const std::string_view keyword : {"two words", "a(b", "é", "a*", " ", "=", "= ", "$SMAP-", "$SMAP-x", "$SMAP-two=20words", "$SMAP-$SMAP-two=3D20words", "100%", "a=b"}) {
    const auto stored = stored_keyword(keyword);
    EXPECT_EQ(stored.find_first_of(" ()%*"), stored.npos) << stored;
    EXPECT_EQ(shown_keyword(stored), keyword) << stored;
  }
  // What IMAP has made stands for itself where it is not what SMAP would have made.
  for (const std::string_view stored : {"work", "$SMAP-", "$SMAP-x", "$SMAP-=2", "$SMAP-=20=zz", "$SMAP-=0A", "$SMAP-=FF", "$SMAP-a=3Db", "$SMAP-two=20words"})
    EXPECT_EQ(stored_keyword(shown_keyword(stored)), stored);
  EXPECT_EQ(shown_keyword("$SMAP-=0A"), "$SMAP-=0A");
}

TEST(FetchItem, IsOneWord) {
  using Kind = FetchItem::Kind;
  EXPECT_EQ(parse_fetch_item("flags")->kind, Kind::flags);
  EXPECT_EQ(parse_fetch_item("INTERNALDATE")->kind, Kind::internal_date);
  for (const std::string_view unknown : {"", "NONSUCH", "FLAGS=x", "CONTENTS=body", "CONTENTS=", "CONTENTS"})
    EXPECT_EQ(parse_fetch_item(unknown)->kind, Kind::unknown) << unknown;
  const auto item = parse_fetch_item("contents.peek=BODY.DECODED[1.2](a, B)");
  ASSERT_TRUE(item);
  EXPECT_TRUE(item->peek && item->kind == Kind::contents && item->part == Part::body_decoded);
  EXPECT_EQ(item->mime_id, "1.2");
  EXPECT_EQ(item->headers.names, (std::vector<std::string>{"a", "B"}));
  EXPECT_FALSE(parse_fetch_item("CONTENTS=ALL")->peek);
  for (const std::string_view bad : {"CONTENTS=ALL[1", "CONTENTS=ALL(a", "CONTENTS=ALL(a)b", "CONTENTS=ALL[1]x"}) EXPECT_FALSE(parse_fetch_item(bad)) << bad;
}

TEST(HeaderSelection, KnowsTheTwoSets) {
  EXPECT_TRUE((HeaderSelection{{}}).selects("X-Any"));
  const HeaderSelection envelope{{":ENVELOPE", "x-more"}}, mime{{":MIME"}};
  for (const std::string_view name : {"Date", "BCC", "references", "X-MORE"}) EXPECT_TRUE(envelope.selects(name)) << name;
  EXPECT_FALSE(envelope.selects("Content-Type"));
  for (const std::string_view name : {"Date", "Content-Type", "MIME-Version", "content-x"}) EXPECT_TRUE(mime.selects(name)) << name;
  EXPECT_FALSE(mime.selects("Received"));
}

TEST(StoreSetting, HasASign) {
  using What = StoreSetting::What;
  using Action = StoreSetting::Action;
  const auto add = parse_store_setting("+flags=SEEN");
  EXPECT_TRUE(add.what == What::flags && add.action == Action::add && add.value == "SEEN");
  EXPECT_EQ(parse_store_setting("-KEYWORDS=a").action, Action::remove);
  EXPECT_EQ(parse_store_setting("INTERNALDATE=x").what, What::internal_date);
  for (const std::string_view unknown : {"", "+", "FLAGS", "X=1", "+INTERNALDATE=x"}) EXPECT_EQ(parse_store_setting(unknown).what, What::unknown) << unknown;
}

TEST(MultiLine, DotsAreDoubled) {
  std::string out;
  put_dot_stuffed(out, "FETCH 1 HEADERS", ".a\r\n\n..\nb");
  EXPECT_EQ(out, "{.9} FETCH 1 HEADERS\n..a\n\n...\nb\n.\n");
}

TEST(MultiLine, ChunksSayTheirSizes) {
  std::string out;
  BinaryReply reply("FETCH 4 CONTENTS", 5);
  reply.put(out, "abc\n");
  reply.put(out, "");
  reply.put(out, "d");
  reply.finish(out);
  EXPECT_EQ(out, "{4/5} FETCH 4 CONTENTS\nabc\n1\nd\n");
  out.clear();
  BinaryReply("FETCH 5 CONTENTS", 0).finish(out);
  EXPECT_EQ(out, "{.0} FETCH 5 CONTENTS\n.\n");
}

}  // namespace
}  // namespace posthorn::smap
