#include "proto/smap/reply.h"

#include <gtest/gtest.h>

#include "proto/smap/flags.h"
#include "proto/smap/words.h"

namespace posthorn::smap {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  Words words(line);
  std::vector<std::string> out;
  while (!words.at_end()) out.push_back(words.take());
  return out;
}

std::string text_of(const Result<FetchReply>& reply) {
  if (!reply) return "error";
  std::string out = std::to_string(reply->number);
  if (reply->flags) put_flag_list(out += " flags ", *reply->flags);
  if (reply->keywords) {
    out += " keywords";
    for (const auto& keyword : *reply->keywords) out += " <" + keyword + ">";
  }
  if (reply->uid) out += " uid " + *reply->uid;
  if (reply->size) out += " size " + std::to_string(*reply->size);
  if (reply->date) out += " date " + text::format_rfc5322_date(*reply->date);
  return out;
}

TEST(SmapReply, Fetch) {
  struct Case {
    std::string_view in, out;
  };
  for (const auto& c : {
           Case{"FETCH 1 FLAGS=MARKED,SEEN \"KEYWORDS=work,two words,work\" \"UID=179.M3,S=260\" SIZE=260 \"INTERNALDATE=Mon, 20 Jan 2003 23:43:09 +0000\"",
                "1 flags MARKED,SEEN keywords <two words> <work> uid 179.M3,S=260 size 260 date Mon, 20 Jan 2003 23:43:09 +0000"},
           Case{"FETCH 4294967295 flags= keywords= x=y bogus", "4294967295 flags  keywords"},
           Case{"FETCH 2 \"INTERNALDATE=yesterday\" FLAGS=seen,BOGUS,Draft", "2 flags DRAFT,SEEN"},
           Case{"FETCH 2 \"KEYWORDS=,a\tb,\xff,c\"", "2 keywords <c>"},
           Case{"FETCH 3", "3"},
           Case{"FETCH 0 FLAGS=", "error"},
           Case{"FETCH", "error"},
           Case{"FETCH x", "error"},
           Case{"FETCH 4294967296", "error"},
           Case{"FETCH -1", "error"},
           Case{"FETCH 1 UID=", "error"},
           Case{"FETCH 1 SIZE=", "error"},
           Case{"FETCH 1 SIZE=-5", "error"},
           Case{"FETCH 1 SIZE=99999999999999999999999", "error"},
           Case{"EXISTS 1", "error"},
           Case{"", "error"},
       })
    EXPECT_EQ(text_of(parse_fetch_reply(words_of(c.in))), c.out) << c.in;
}

TEST(SmapReply, AttributesMayComeInSeveralLines) {
  auto all = parse_fetch_reply(words_of("FETCH 1 FLAGS=SEEN UID=a")).value();
  all.add(parse_fetch_reply(words_of("FETCH 1 FLAGS=DRAFT SIZE=3 KEYWORDS=x")).value());
  EXPECT_EQ(text_of(all), "1 flags DRAFT keywords <x> uid a size 3");
}

TEST(SmapReply, ExistsAndExpunge) {
  EXPECT_EQ(parse_exists_reply(words_of("EXISTS 5")).value(), 5u);
  for (const auto* wrong : {"EXISTS", "EXISTS x", "EXISTS -1", "EXISTS 4294967296"}) EXPECT_FALSE(parse_exists_reply(words_of(wrong))) << wrong;
  EXPECT_EQ(parse_expunge_reply(words_of("EXPUNGE 1 3-4")).value(), (NumberRanges{{1, 1}, {3, 4}}));
  for (const auto* wrong : {"EXPUNGE", "EXPUNGE x", "EXPUNGE 3 1", "EXPUNGE 0", "EXPUNGE 1 x"}) EXPECT_FALSE(parse_expunge_reply(words_of(wrong))) << wrong;
}

TEST(SmapReply, List) {
  EXPECT_EQ(parse_list_reply(words_of("LIST \"say \"\"hi\"\"\" \"say\" FOLDER DIRECTORY")).value(),
            (ListReply{.name = "say \"hi\"", .has_messages = true, .has_folders = true}));
  EXPECT_EQ(parse_list_reply(words_of("LIST a FOLDER directory READONLY")).value(), (ListReply{.name = "a", .has_folders = true}));
  for (const auto* wrong : {"LIST", "LIST \"\" x FOLDER", "LIST \"a\x1b[2J\" x FOLDER", "LIST \xff x FOLDER"}) EXPECT_FALSE(parse_list_reply(words_of(wrong))) << wrong;
}

}  // namespace
}  // namespace posthorn::smap
