// Sets, STORE and SEARCH; and what is hostile.
#include "proto/imap/parser.h"

#include "proto/imap/parser_cases_testing.h"
#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

TEST(ImapParser, Sets) {
  expect_all({
      {"FETCH 2,4:7,9,12:* FLAGS", "fetch 2,4:7,9,12:* FLAGS"},
      {"FETCH * FLAGS", "fetch * FLAGS"},
      {"FETCH *:4,5:7 FLAGS", "fetch *:4,5:7 FLAGS"},
      {"FETCH 4294967295 FLAGS", "fetch 4294967295 FLAGS"},
      {"FETCH 4294967296 FLAGS", "bad"},
      {"FETCH 0 FLAGS", "bad"},
      {"FETCH 1: FLAGS", "bad"},
      {"FETCH 1, FLAGS", "bad"},
      {"FETCH ,1 FLAGS", "bad"},
      {"FETCH 1:2:3 FLAGS", "bad"},
      {"FETCH $ FLAGS", "fetch $ FLAGS"},  // [RFC5182 2.1]
      {"FETCH $,1 FLAGS", "bad"},
      {"FETCH $:* FLAGS", "bad"},
      {"UID STORE $ +FLAGS (a)", "uid store $ + (a)"},
      {"COPY $ \"Other Messages\"", "copy $ [Other Messages]"},
      {"MOVE $ x", "move $ [x]"},
      {"COPY 2:4 MEETING", "copy 2:4 [MEETING]"},
      {"UID COPY 2:4 inbox", "uid copy 2:4 [INBOX]"},
      {"UID MOVE 42:69 foo", "uid move 42:69 [foo]"},
      {"MOVE 1 {3}\r\nfoo", "move 1 [foo]"},
      {"COPY 1", "bad"},
  });
}

TEST(ImapParser, Stores) {
  expect_all({
      {"STORE 2:4 +FLAGS (\\Deleted)", "store 2:4 + (\\Deleted)"},
      {"STORE 1 FLAGS ()", "store 1 = ()"},
      {"STORE 1 flags.silent \\seen $Junk", "store 1 = (\\Seen $Junk) silent"},
      {"UID STORE 1 -FLAGS.SILENT (a A b \\Recent)", "uid store 1 - (a b) silent"},
      {"STORE 7,5,9 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted)",
       "store 7,5,9 + (\\Deleted) silent unless 320162338"},  // [RFC7162 3.1.3]
      {"STORE 1 (UNCHANGEDSINCE 0) FLAGS (x)", "store 1 = (x) unless 0"},
      {"STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS (x)", "bad"},
      {"STORE 1 FLAGS", "bad"},
      {"STORE 1 FLAGS (\\Foo)", "bad"},
      {"STORE 1 FLAGS (\\*)", "bad"},
      {"STORE 1 FLAGS (a", "bad"},
      {"STORE 1 FLAGS (a) b", "bad"},
      {"STORE 1 FLAGS (\"a\")", "bad"},
      {"STORE 1 FLAGSX (a)", "bad"},
      {"STORE 1 *FLAGS (a)", "bad"},
  });
  EXPECT_EQ(parse("STORE 1 FLAGS (" + std::string(256, 'k') + ")"), "bad");
}

TEST(ImapParser, Searches) {
  expect_all({
      {"SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
       "search and(\\Flagged, date>=1-Feb-1994, not(From:Smith))"},
      {"SEARCH TEXT \"string not in mailbox\"", "search text:string not in mailbox"},
      {"SEARCH CHARSET utf-8 TEXT {6}\r\n\xd0\xb9\xd1\x86\xd0\xba", "search [UTF-8] text:йцк"},
      {"UID SEARCH CHARSET \"x y\" ALL", "uid search [X Y] all"},
      {"SEARCH ALL", "search all"},
      {"SEARCH 1:3,* UID 5:*", "search and(seq 1:3,*, uid 5:*)"},
      {"SEARCH (ALL)", "search all"},
      {"SEARCH (SEEN (DRAFT UNDRAFT)) ANSWERED",
       "search and(and(\\Seen, and(\\Draft, un\\Draft)), \\Answered)"},
      {"SEARCH OR SEEN OR (1 DELETED) NOT NOT UNFLAGGED",
       "search or(\\Seen, or(and(seq 1, \\Deleted), not(not(un\\Flagged))))"},
      {"SEARCH NEW OLD RECENT", "search and(and(\\Recent, un\\Seen), not(\\Recent), \\Recent)"},
      {"SEARCH UNANSWERED UNDELETED UNSEEN", "search and(un\\Answered, un\\Deleted, un\\Seen)"},
      {"SEARCH KEYWORD $Junk UNKEYWORD x", "search and(keyword $Junk, unkeyword x)"},
      {"SEARCH BEFORE \"01-Jan-2020\" ON 2-Jan-2020 SENTBEFORE 3-Jan-2020 SENTON 4-Jan-2020 SENTSINCE "
       "5-Jan-2020",
       "search and(date<1-Jan-2020, date=2-Jan-2020, sent<3-Jan-2020, sent=4-Jan-2020, sent>=5-Jan-2020)"},
      {"SEARCH LARGER 1000 SMALLER 9223372036854775807", "search and(size>1000, size<9223372036854775807)"},
      {"SEARCH BCC a CC b TO c SUBJECT d BODY e HEADER Message-ID <x@y>",
       "search and(Bcc:a, Cc:b, To:c, Subject:d, body:e, Message-ID:<x@y>)"},
      {"SEARCH HEADER X-Foo \"\"", "search X-Foo:"},
      {"SEARCH MODSEQ 620162338", "search modseq>=620162338"},
      {"SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338",
       "search modseq>=620162338 of \\draft"},  // [RFC7162 3.1.5]
      {"SEARCH OR NOT MODSEQ 720162338 LARGER 50000", "search or(not(modseq>=720162338), size>50000)"},
      {"SEARCH MODSEQ \"/flags/\" all 1", "bad"},
      {"SEARCH MODSEQ \"/flags/x\" some 1", "bad"},
      {"SEARCH MODSEQ \"/flags/x\" 1", "bad"},
      {"SEARCH", "bad"},
      {"SEARCH CHARSET UTF-8", "bad"},
      {"SEARCH ()", "bad"},
      {"SEARCH (SEEN", "bad"},
      {"SEARCH SEEN)", "bad"},
      {"SEARCH NOT", "bad"},
      {"SEARCH OR SEEN", "bad"},
      {"SEARCH FOO", "bad"},
      {"SEARCH SINCE 31-Feb-2020", "bad"},
      {"SEARCH SINCE yesterday", "bad"},
      {"SEARCH KEYWORD \\Seen", "bad"},
      // [RFC5032 4] [RFC8474 5] [RFC8514 4.3]
      {"SEARCH UNSEEN YOUNGER 259200", "search and(un\\Seen, younger 259200)"},
      {"SEARCH NOT OLDER 1", "search not(older 1)"},
      {"SEARCH OLDER 0", "bad"},
      {"SEARCH EMAILID M6d99ac3275bb4e THREADID \"T64b_-\"",
       "search and(email M6d99ac3275bb4e, thread T64b_-)"},
      {"SEARCH EMAILID \"a b\"", "bad"},
      {"SEARCH EMAILID \"\"", "bad"},
      {"SEARCH SAVEDBEFORE 1-Jan-2020 SAVEDON 2-Jan-2020 SAVEDSINCE 28-Dec-2014 SAVEDATESUPPORTED",
       "search and(saved<1-Jan-2020, saved=2-Jan-2020, saved>=28-Dec-2014, all)"},
      {"SEARCH $ UID $", "search and(seq $, uid $)"},
  });
}

TEST(ImapParser, SearchReturns) {
  expect_all({
      // [RFC4731 3.1]
      {"SEARCH RETURN (MIN COUNT) FLAGGED", "search return(min count) \\Flagged"},
      {"SEARCH RETURN () FLAGGED", "search return(all) \\Flagged"},
      {"uid search return (all max) charset utf-8 1", "uid search return(max all) [UTF-8] seq 1"},
      {"SEARCH RETURN (SAVE) SINCE 12-Feb-2006", "search return(save) date>=12-Feb-2006"},  // [RFC5182 2.4]
      {"SEARCH RETURN (SAVE) CHARSET UTF-8 (OR $ 1,3000:3021) TEXT x",
       "search return(save) [UTF-8] and(or(seq $, seq 1,3000:3021), text:x)"},
      // [RFC9394 3.1]
      {"UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED", "uid search return(partial -1:-100) un\\Deleted"},
      {"SEARCH RETURN (PARTIAL 500:400 COUNT) ALL", "search return(count partial 400:500) all"},
      {"SEARCH RETURN (PARTIAL 1:2 ALL) ALL", "bad"},
      {"SEARCH RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL", "bad"},
      {"SEARCH RETURN (PARTIAL 1) ALL", "bad"},
      {"SEARCH RETURN (FOO) ALL", "bad"},
      {"SEARCH RETURN ALL", "bad"},
      {"SEARCH RETURN (ALL)", "bad"},
      {"SEARCH RETURN (ALL", "bad"},
      {"SEARCH CHARSET UTF-8 RETURN (ALL) ALL", "bad"},
      // [RFC5256 3] [RFC5957 3] [RFC5267 3.1]
      {"SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994", "sort subject: search [UTF-8] date>=1-Feb-1994"},
      {"UID SORT (REVERSE DATE Subject REVERSE size) US-ASCII TEXT \"not in mailbox\" SEEN",
       "uid sort -date subject -size: search [US-ASCII] and(text:not in mailbox, \\Seen)"},
      {"SORT (ARRIVAL CC FROM TO DISPLAYFROM REVERSE DISPLAYTO) \"utf-8\" ALL",
       "sort arrival cc from to display-from -display-to: search [UTF-8] all"},
      {"UID SORT RETURN (COUNT) (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk",
       "uid sort -date: search return(count) [UTF-8] and(un\\Deleted, unkeyword $Junk)"},
      {"SORT RETURN (PARTIAL 1:2) (DATE) UTF-8 ALL", "bad"},
      {"SORT (DATE) ALL", "bad"},
      {"SORT () UTF-8 ALL", "bad"},
      {"SORT (REVERSE) UTF-8 ALL", "bad"},
      {"SORT (FOO) UTF-8 ALL", "bad"},
      {"SORT DATE UTF-8 ALL", "bad"},
      {"SORT (DATE) UTF-8", "bad"},
      {"THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000",
       "thread orderedsubject: search [UTF-8] date>=5-Mar-2000"},
      {"UID THREAD references US-ASCII TEXT \"gewp\"", "uid thread references: search [US-ASCII] text:gewp"},
      {"THREAD REFS UTF-8 $", "thread refs: search [UTF-8] seq $"},
      {"THREAD FOO UTF-8 ALL", "bad"},
      {"THREAD REFERENCES ALL", "bad"},
      {"THREAD RETURN (ALL) REFERENCES UTF-8 ALL", "bad"},
  });
}

TEST(ImapParser, HostileCommandsAreRefusedOrTakenQuickly) {
  const auto repeat = [](std::string_view s, std::size_t n) {
    std::string out;
    while (n-- > 0) out += s;
    return out;
  };
  EXPECT_EQ(parse("SEARCH " + repeat("(", 65000)), "bad");
  EXPECT_EQ(parse("SEARCH " + repeat("NOT ", 16000) + "ALL"), "bad");
  EXPECT_EQ(parse("SEARCH " + repeat("OR ALL ", 9000) + "ALL"), "bad");
  EXPECT_EQ(parse("SEARCH " + repeat("ALL ", 16000) + "ALL"), "bad");
  EXPECT_EQ(parse("SEARCH " + repeat("(", 99) + "ALL" + repeat(")", 99)), "search all");
  EXPECT_EQ(parse("SEARCH " + repeat("(", 100) + "ALL" + repeat(")", 100)), "bad");
  EXPECT_EQ(parse("FETCH 1 (" + repeat("BODY[1] BODY[2] ", 4000) + "UID)"), "fetch 1 BODY[1] BODY[2] UID");
  std::string many = "FETCH 1 (UID";
  for (int i = 1; i < 300; ++i) many += " BODY[" + std::to_string(i) + "]";
  EXPECT_EQ(parse(many + ")"), "bad");
  EXPECT_EQ(parse("FETCH 1 BODY[" + repeat("1.", 1000) + "1]"), "bad");
  std::string set = "1", flags = "k0";
  for (int i = 2; i < 10000; ++i) {
    set += "," + std::to_string(i);
    flags += " k" + std::to_string(i);
  }
  EXPECT_EQ(parse("FETCH " + set + " UID"), "fetch " + set + " UID");
  EXPECT_EQ(parse_sequence_set(set).value().resolve(1).ranges(), (std::vector<NumberRange>{{1, 9999}}));
  EXPECT_EQ(parse("FETCH " + set + " UID", {.set_items = 100}), "bad");
  EXPECT_EQ(parse("STORE 1 FLAGS (" + flags + ")"), "bad");
  EXPECT_EQ(parse("ENABLE" + repeat(" X", 101)), "bad");
  EXPECT_EQ(parse("LIST \"\" (a" + repeat(" b", 100) + ")"), "bad");
  EXPECT_EQ(parse("SORT (DATE" + repeat(" DATE", 50) + ") UTF-8 ALL"), "bad");
  EXPECT_EQ(parse("SETQUOTA a (STORAGE 1" + repeat(" STORAGE 1", 20) + ")"), "bad");
  EXPECT_EQ(parse("ID (" + repeat("\"a\" \"b\" ", 31) + "\"a\" \"b\")"), "bad");
}

TEST(ImapParser, AppendPrefix) {
  const auto show_options = [](const Append& append) {
    std::string out = " " + shown(append.flags);
    if (append.date) Writer(out).sp().date_time(*append.date);
    return out + (append.binary ? " binary" : "") + (append.utf8 ? " utf8" : "");
  };
  const auto show_prefix = [&](std::string_view text) -> std::string {
    auto kind = LiteralKind::literal;
    if (text.ends_with('~')) {
      kind = LiteralKind::literal8;
      text.remove_suffix(1);
    }
    const auto got = parse_append_prefix(text, kind);
    if (!got) return got.error().tag + " bad";
    if (got->next == AppendPrefix::Next::mailbox_literal) return got->tag + " mailbox";
    std::string out = got->tag;
    if (got->append.replaced) {
      out += got->append.replaced_by_uid ? " uid " : " ";
      out += shown(*got->append.replaced);
    }
    return out + " [" + got->append.mailbox + "]" + show_options(got->append);
  };
  for (const auto& c : std::initializer_list<ParserCase>{
           {"A003 APPEND saved-messages (\\Seen) ", "A003 [saved-messages] (\\Seen)"},
           {"A003 append inbox ", "A003 [INBOX] ()"},
           {"x APPEND ", "x mailbox"},
           {"x APPEND {3}\r\nfoo () ", "x [foo] ()"},
           {"x APPEND a \"17-Jul-1996 02:44:25 -0700\" ", "x [a] () \"17-Jul-1996 02:44:25 -0700\""},
           {"x APPEND a (\\Draft $X) \"27-Jul-1996 02:44:25 +0000\" ",
            "x [a] (\\Draft $X) \"27-Jul-1996 02:44:25 +0000\""},
           {"x APPEND a ~", "x [a] () binary"},
           {"x APPEND a (b) ~", "x [a] (b) binary"},
           {"x APPEND a utf8 (~", "x [a] () binary utf8"},
           {"x APPEND a \"27-Jul-1996 02:44:25 +0000\" UTF8 (~",
            "x [a] () \"27-Jul-1996 02:44:25 +0000\" binary utf8"},
           {"A003 REPLACE 4 Drafts (\\Seen \\Draft) ", "A003 4 [Drafts] (\\Seen \\Draft)"},  // [RFC8508 3.2]
           {"A004 uid replace 2000 Drafts ", "A004 uid 2000 [Drafts] ()"},
           {"x REPLACE * a ~", "x * [a] () binary"},
           {"x REPLACE 4 ", "x mailbox"},
           {"x REPLACE 4 {3}\r\nfoo ", "x 4 [foo] ()"},
           {"x REPLACE 4,5 a ", "x bad"},
           {"x REPLACE 4:5 a ", "x bad"},
           {"x REPLACE $ a ", "x bad"},
           {"x REPLACE a ", "x bad"},
           {"x UID APPEND a ", "x bad"},
           {"x APPEND a", "x bad"},
           {"x APPEND ~", "x bad"},
           {"x APPEND a UTF8 (", "x bad"},
           {"x APPEND a UTF8 ~", "x bad"},
           {"x APPEND a (\\Foo) ", "x bad"},
           {"x APPEND a \"yesterday\" ", "x bad"},
           {"x APPEND \"&x\" ", "x bad"},
           {"x NOOP ", "x bad"},
           {"* APPEND a ", "* bad"},
       })
    EXPECT_EQ(show_prefix(c.text), c.expected) << c.text;

  // What stood before the message in front does not count for the next one. [RFC3502]
  Append append{
      .mailbox = "a", .flags = {.system = 1}, .date = text::DateTime{}, .binary = true, .utf8 = true};
  const auto show_next = [&](std::string_view text, LiteralKind kind = LiteralKind::literal) {
    auto next = append;
    return parse_append_options(text, kind, next) ? "[" + next.mailbox + "]" + show_options(next) : "bad";
  };
  EXPECT_EQ(show_next(" "), "[a] ()");
  EXPECT_EQ(show_next(" (x) "), "[a] (x)");
  EXPECT_EQ(show_next(" UTF8 (", LiteralKind::literal8), "[a] () binary utf8");
  EXPECT_EQ(show_next(""), "bad");
  EXPECT_EQ(show_next(" b "), "bad");
}

}  // namespace
}  // namespace posthorn::imap
