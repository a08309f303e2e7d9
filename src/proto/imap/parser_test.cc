#include "proto/imap/parser.h"

#include "proto/imap/parser_cases_testing.h"

namespace posthorn::imap {
namespace {

TEST(ImapParser, Simple) {
  expect_all({
      {"CAPABILITY", "capability"},
      {"capability", "capability"},
      {"NOOP ", "bad"},
      {"NOOP x", "bad"},
      {"LOGOUT", "logout"},
      {"STARTTLS", "starttls"},
      {"IDLE", "idle"},
      {"NAMESPACE", "namespace"},
      {"CHECK", "check"},
      {"CLOSE", "close"},
      {"UNSELECT", "unselect"},
      {"EXPUNGE", "expunge"},
      {"EXPUNGE 1", "bad"},
      {"UID EXPUNGE 3000:3002", "uid expunge 3000:3002"},
      {"UID EXPUNGE", "bad"},
      {"UID", "unknown"},
      {"UID NOOP", "unknown"},
      {"FOO bar", "unknown"},
      {"", "unknown"},
      {"NOOP(", "bad"},
      {"APPEND INBOX \"x\"", "bad"},
      {"REPLACE 1 INBOX", "bad"},
      {"UID REPLACE 1 INBOX", "bad"},
      {"UID APPEND INBOX", "unknown"},
      {"COMPRESS deflate", "compress DEFLATE"},
      {"COMPRESS", "bad"},
      {"XRESTORE inbox 7 12", "restore INBOX 7 12"},
      {"XRESTORE a 0 12", "bad"},
      {"XRESTORE a 7", "bad"},
      {"UID EXPUNGE $", "uid expunge $"},
      {"ENABLE CONDSTORE x-good-idea", "enable CONDSTORE X-GOOD-IDEA"},
      {"ENABLE", "bad"},
      {"ID NIL", "id"},
      {"ID ()", "id"},
      {"ID (\"name\" \"sodr\" \"version\" NIL)", "id name=sodr version=NIL"},
      {"ID (\"name\")", "bad"},
      {"ID", "bad"},
  });
}

TEST(ImapParser, Tags) {
  for (std::string_view text : {"", "+1 NOOP", "a* NOOP", "a\"b NOOP", " NOOP", "a(b NOOP", "a\tb", "a]"}) {
    const auto got = parse_command(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().tag, text == "a]" ? "a]" : "*") << text;
  }
  EXPECT_EQ(parse_command("A.1-x] NOOP").value().tag, "A.1-x]");
  EXPECT_EQ(parse_command("t7 FETCH 0 FLAGS").error().tag, "t7");
  EXPECT_EQ(parse_command(std::string(1000, 'x') + " NOOP").error().tag, "*");
}

TEST(ImapParser, SigningIn) {
  expect_all({
      {"LOGIN SMITH SESAME", "login [SMITH] [SESAME]"},
      {"LOGIN \"a b\" \"q\\\"\\\\q\"", "login [a b] [q\"\\q]"},
      {"LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man", "login [FRED FOOBAR] [fat man]"},  // [RFC7888 3]
      {"LOGIN {2}\nab {0}\n", "login [ab] []"},
      {"LOGIN x \"pass\xc3\xbcwort\"", "login [x] [passüwort]"},
      {"LOGIN x]y z", "login [x]y] [z]"},
      {"LOGIN x", "bad"},
      {"LOGIN x y z", "bad"},
      {"LOGIN x  y", "bad"},
      {"LOGIN x \"y", "bad"},
      {"LOGIN x \"y\\z\"", "bad"},
      {"LOGIN x {3}\r\nab", "bad"},
      {"LOGIN x {99999999999}\r\nab", "bad"},
      {"LOGIN x {1}ab", "bad"},
      {"LOGIN x y*", "bad"},
      {"AUTHENTICATE plain", "authenticate PLAIN"},
      {"AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=",
       "authenticate PLAIN [dGVzdAB0ZXN0AHRlc3Q=]"},  // [RFC4959 5]
      {"AUTHENTICATE EXTERNAL =", "authenticate EXTERNAL []"},
      {"AUTHENTICATE PLAIN ", "bad"},
      {"AUTHENTICATE PLAIN a b", "bad"},
      {"AUTHENTICATE", "bad"},
  });
  EXPECT_EQ(parse(std::string("LOGIN x {1}\r\n\0", 14)), "bad");
}

TEST(ImapParser, Mailboxes) {
  expect_all({
      {"SELECT inBOX", "select [INBOX]"},
      {"SELECT \"inbox\"", "select [INBOX]"},
      {"SELECT {5}\r\nInbox", "select [INBOX]"},
      {"EXAMINE blurdybloop", "examine [blurdybloop]"},
      {"SELECT INBOX (CONDSTORE)", "select [INBOX] condstore"},
      {"SELECT INBOX ()", "bad"},
      {"SELECT INBOX (FOO)", "bad"},
      // [RFC7162 3.2.5]
      {"SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
       "select [INBOX] qresync 67890007 20050715194045000 uids 41,43:211,214:541"},
      {"EXAMINE INBOX (CONDSTORE QRESYNC (1 2))", "examine [INBOX] condstore qresync 1 2"},
      {"SELECT x (QRESYNC (67890007 90060115194045000 41:211,214:541 (5,9,12 60,90,212)))",
       "select [x] qresync 67890007 90060115194045000 uids 41:211,214:541 match 5,9,12=60,90,212"},
      {"SELECT x (QRESYNC (1 0 (1:3 4:5,7)))", "select [x] qresync 1 0 match 1:3=4:5,7"},
      {"SELECT x (QRESYNC (0 1))", "bad"},
      {"SELECT x (QRESYNC (1))", "bad"},
      {"SELECT x (QRESYNC 1 1)", "bad"},
      {"SELECT x (QRESYNC (1 1 1:*))", "bad"},
      {"SELECT x (QRESYNC (1 1 $))", "bad"},
      {"SELECT x (QRESYNC (1 1 1 (1:3 4:5)))", "bad"},
      {"SELECT x (QRESYNC (1 1 1 (* 5)))", "bad"},
      {"SELECT x (QRESYNC (1 1 1 ()))", "bad"},
      {"SELECT x (QRESYNC (1 1 1 (1 1) 2))", "bad"},
      {"SELECT x (QRESYNC (1 1) QRESYNC (1 1))", "bad"},
      {"SELECT", "bad"},
      {"SELECT a b", "bad"},
      {"SELECT ~peter/mail/&U,BTFw-/&ZeVnLIqe-", "select [~peter/mail/台北/日本語]"},  // [RFC3501 5.1.3]
      {"SELECT \"a & b\"", "bad"},
      {"SELECT \"a &- b\"", "select [a & b]"},
      {"SELECT \"M\xc3\xbcll\"", "bad"},
      {"CREATE owatagusiam/", "create [owatagusiam/]"},
      {"CREATE MySpecial (USE (\\Drafts \\Sent))", "create [MySpecial] \\Drafts \\Sent"},  // [RFC6154 5.5]
      {"CREATE Old (USE (\\Archive \\Foo))", "create [Old] \\Archive unknown use"},
      {"CREATE Old (USE ())", "create [Old]"},
      {"CREATE Old (USE \\All)", "bad"},
      {"CREATE Old (X (1))", "bad"},
      {"DELETE foo/bar", "delete [foo/bar]"},
      {"RENAME INBOX old-mail", "rename [INBOX] [old-mail]"},
      {"RENAME a", "bad"},
      {"SUBSCRIBE #news.comp.mail.mime", "subscribe [#news.comp.mail.mime]"},
      {"UNSUBSCRIBE x", "unsubscribe [x]"},
      {"LIST \"\" \"\"", "list [] []"},
      {"LIST #news.comp.mail.misc \"\"", "list [#news.comp.mail.misc] []"},
      {"LIST ~/Mail/ %", "list [~/Mail/] [%]"},
      {"LIST \"\" *", "list [] [*]"},
      {"LIST \"\" \"%/&AOQ-*\"", "list [] [%/ä*]"},
      {"LIST \"\" inbox", "list [] [inbox]"},
      {"LSUB \"#news.\" \"comp.mail.*\"", "lsub [#news.] [comp.mail.*]"},
      {"LIST \"\"", "bad"},
      {"LSUB (SUBSCRIBED) \"\" *", "bad"},
      {"LSUB \"\" *  RETURN ()", "bad"},
      {"LIST * \"\"", "bad"},
      {"STATUS blurdybloop (UIDNEXT MESSAGES)", "status [blurdybloop] 5"},
      {"STATUS x (messages recent uidnext uidvalidity unseen highestmodseq)", "status [x] 63"},
      {"STATUS x (SIZE MAILBOXID DELETED DELETED-STORAGE APPENDLIMIT)", "status [x] 1984"},
      {"STATUS x ()", "bad"},
      {"STATUS x (FOO)", "bad"},
      {"STATUS x MESSAGES", "bad"},
  });
  EXPECT_EQ(parse("SELECT " + std::string(1025, 'x')), "bad");
}

TEST(ImapParser, ExtendedList) {
  expect_all({
      {"LIST () \"\" %", "list+ [] [%]"},
      // [RFC5258 5]
      {"LIST (SUBSCRIBED) \"\" \"*\"", "list+ [] [*] select 1"},
      {"LIST \"\" \"%\" RETURN (CHILDREN)", "list+ [] [%] return 2"},
      {"LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)", "list+ [] [%] select 2 return 2"},
      {"LIST (REMOTE SUBSCRIBED) \"\" \"*\"", "list+ [] [*] select 3"},
      {"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"", "list+ [] [%] select 5"},
      {"LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")", "list+ [] [INBOX] [Drafts] [Sent/%]"},
      {"list (subscribed) a (b* {2}\r\nc%) return (subscribed)", "list+ [a] [b*] [c%] select 1 return 1"},
      {"LIST \"\" \"%\" RETURN ()", "list+ [] [%]"},
      // [RFC6154 5.2]
      {"LIST (SPECIAL-USE) \"\" \"*\"", "list+ [] [*] select 8"},
      {"LIST \"\" \"%\" RETURN (SPECIAL-USE)", "list+ [] [%] return 4"},
      {"LIST (SPECIAL-USE RECURSIVEMATCH) \"\" *", "list+ [] [*] select 12"},
      // [RFC5819 3] [RFC8440 4]
      {"LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))", "list+ [] [%] return 16 status 17"},
      {"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (STATUS (MESSAGES) MYRIGHTS)",
       "list+ [] [%] select 5 return 24 status 1"},
      {"LIST (RECURSIVEMATCH) \"\" *", "bad"},
      {"LIST (REMOTE RECURSIVEMATCH) \"\" *", "bad"},
      {"LIST (FOO) \"\" *", "bad"},
      {"LIST (SUBSCRIBED (a)) \"\" *", "bad"},
      {"LIST (SUBSCRIBED \"\" *", "bad"},
      {"LIST \"\" ()", "bad"},
      {"LIST \"\" (a b", "bad"},
      {"LIST \"\" * RETURN", "bad"},
      {"LIST \"\" * RETURN (FOO)", "bad"},
      {"LIST \"\" * RETURN (STATUS)", "bad"},
      {"LIST \"\" * RETURN (STATUS ())", "bad"},
      {"LIST \"\" * RETURN CHILDREN", "bad"},
      {"LIST \"\" * (CHILDREN)", "bad"},
      {"LIST \"\" (\"&x\")", "bad"},
  });
}

TEST(ImapParser, RightsAndQuotas) {
  expect_all({
      // [RFC4314 3]
      {"SETACL INBOX/Drafts John lrswicda", "setacl [INBOX/Drafts] [John] = lrswicda"},
      {"SETACL INBOX/Drafts Chris +cda", "setacl [INBOX/Drafts] [Chris] + cda"},
      {"SETACL inbox -Fred \"-w\"", "setacl [INBOX] [-Fred] - w"},
      {"SETACL x anyone \"\"", "setacl [x] [anyone] = "},
      {"SETACL x anyone +", "setacl [x] [anyone] + "},
      {"SETACL x anyone lr0", "setacl [x] [anyone] = lr0"},
      {"SETACL INBOX/Drafts John lrQswicda", "bad"},
      {"SETACL x y ++l", "bad"},
      {"SETACL x y", "bad"},
      {"DELETEACL INBOX/Drafts \"B\xc3\xbc\"", "deleteacl [INBOX/Drafts] [Bü]"},
      {"DELETEACL x", "bad"},
      {"GETACL INBOX/Drafts", "getacl [INBOX/Drafts]"},
      {"LISTRIGHTS ~/Mail/saved smith", "listrights [~/Mail/saved] [smith]"},
      {"MYRIGHTS {5}\r\ninbox", "myrights [INBOX]"},
      {"MYRIGHTS", "bad"},
      // [RFC9208 4.1]
      {"GETQUOTA \"!partition/sda4\"", "getquota [!partition/sda4]"},
      {"GETQUOTA \"\"", "getquota []"},
      {"GETQUOTAROOT INBOX", "getquotaroot [INBOX]"},
      {"SETQUOTA \"\" (storage 512 MESSAGE 9223372036854775807)",
       "setquota [] STORAGE=512 MESSAGE=9223372036854775807"},
      {"SETQUOTA a ()", "setquota [a]"},
      {"SETQUOTA a (STORAGE)", "bad"},
      {"SETQUOTA a (STORAGE -1)", "bad"},
      {"SETQUOTA a STORAGE 1", "bad"},
      {"SETQUOTA a", "bad"},
  });
}

// [RFC6855 3] [RFC9051 5.1]
TEST(ImapParser, Utf8Mode) {
  for (const auto& c : std::initializer_list<ParserCase>{
           {"SELECT \"M\xc3\xbcll\"", "select [Müll]"},
           {"SELECT {5}\r\nM\xc3\xbcll", "select [Müll]"},
           {"SELECT \"&AOQ-\"", "select [&AOQ-]"},
           {"SELECT &x", "select [&x]"},
           {"SELECT inbox", "select [INBOX]"},
           {"SELECT M\xc3\xbcll", "bad"},
           {"SELECT \"\xc3\"", "bad"},
           {"SELECT \"\xed\xa0\x80\"", "bad"},
           {"SELECT {1}\r\n\xff", "bad"},
           {"LIST \"\" (\"\xc3\xa4*\" b)", "list+ [] [ä*] [b]"},
           {"SEARCH SUBJECT \"\xc3\xa4\"", "search Subject:ä"},
           {"SEARCH SUBJECT \"\xe4\"", "bad"},
           {"SEARCH CHARSET ISO-8859-1 SUBJECT {1}\r\n\xe4", "search [ISO-8859-1] Subject:\xe4"},
       })
    EXPECT_EQ(parse(c.text, {.utf8 = true}), c.expected) << c.text;
}

TEST(ImapParser, FetchItems) {
  expect_all({
      {"FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
       "fetch 2:4 FLAGS BODY[HEADER.FIELDS (DATE FROM)]"},
      {"FETCH 1 ALL", "fetch 1 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
      {"FETCH 1 fast", "fetch 1 FLAGS INTERNALDATE RFC822.SIZE"},
      {"FETCH 1 FULL", "fetch 1 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
      {"FETCH 1 (ALL)", "bad"},
      {"UID FETCH 1:* (UID MODSEQ rfc822.size)", "uid fetch 1:* UID MODSEQ RFC822.SIZE"},
      {"FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT BODYSTRUCTURE BODY INTERNALDATE)",
       "fetch 1 RFC822 RFC822.HEADER RFC822.TEXT BODYSTRUCTURE BODY INTERNALDATE"},
      {"FETCH 1 BODY[]", "fetch 1 BODY[]"},
      {"FETCH 1 BODY.PEEK[]<0.2048>", "fetch 1 peek BODY[]<0>+2048"},
      {"FETCH 1 body.peek[1.2.mime]", "fetch 1 peek BODY[1.2.MIME]"},
      {"FETCH 1 BODY[4.2.2.1]", "fetch 1 BODY[4.2.2.1]"},
      {"FETCH 1 BODY[TEXT]<5.9223372036854775807>", "fetch 1 BODY[TEXT]<5>+9223372036854775807"},
      {"FETCH 1 BODY[3.HEADER.FIELDS.NOT (\"X y\" z)]", "fetch 1 BODY[3.HEADER.FIELDS.NOT (\"X y\" z)]"},
      {"FETCH 1 BODY[HEADER.FIELDS ({4}\r\nDate)]", "fetch 1 BODY[HEADER.FIELDS (Date)]"},
      {"FETCH 1 (FLAGS flags BODY.PEEK[1] BODY.PEEK[1] BODY[1])", "fetch 1 FLAGS peek BODY[1] BODY[1]"},
      {"FETCH 1 (FLAGS) (CHANGEDSINCE 12345)", "fetch 1 FLAGS since 12345"},  // [RFC7162 3.1.4.1]
      {"FETCH 1 FLAGS (CHANGEDSINCE 0)", "fetch 1 FLAGS since 0"},
      {"FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)", "bad"},
      {"UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
       "uid fetch 300:500 FLAGS since 12345 vanished"},  // [RFC7162 3.2.6]
      {"UID FETCH 1 FLAGS (VANISHED CHANGEDSINCE 5)", "uid fetch 1 FLAGS since 5 vanished"},
      {"UID FETCH 1 FLAGS (VANISHED)", "bad"},
      {"FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)", "bad"},
      {"UID FETCH 1 FLAGS (CHANGEDSINCE 5 CHANGEDSINCE 6)", "bad"},
      {"UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-3)",
       "uid fetch 25900:26600 UID FLAGS partial -1:-3"},  // [RFC9394 3.3]
      {"UID FETCH 1:* FLAGS (PARTIAL 500:400 CHANGEDSINCE 9)", "uid fetch 1:* FLAGS since 9 partial 400:500"},
      {"FETCH 1:* FLAGS (PARTIAL 1:5)", "bad"},
      {"UID FETCH 1:* FLAGS (PARTIAL 1:*)", "bad"},
      {"UID FETCH 1:* FLAGS (PARTIAL -1:5)", "bad"},
      {"UID FETCH 1:* FLAGS (PARTIAL 0:5)", "bad"},
      {"UID FETCH 1:* FLAGS (PARTIAL 1:2 PARTIAL 1:2)", "bad"},
      {"UID FETCH 1:* FLAGS ()", "bad"},
      {"FETCH 1 (SAVEDATE EMAILID THREADID)", "fetch 1 SAVEDATE EMAILID THREADID"},
      {"FETCH 1 (PREVIEW (LAZY) UID)", "fetch 1 PREVIEW lazy UID"},  // [RFC8970 5]
      {"FETCH 1 PREVIEW", "fetch 1 PREVIEW"},
      {"FETCH 1 PREVIEW (LAZY)", "fetch 1 PREVIEW lazy"},
      {"FETCH 1 PREVIEW (CHANGEDSINCE 3)", "fetch 1 PREVIEW since 3"},
      {"FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 3)", "fetch 1 PREVIEW lazy since 3"},
      {"FETCH 1 (PREVIEW (FOO))", "bad"},
      {"FETCH 1 (PREVIEW (LAZY FOO))", "bad"},
      {"FETCH 1 (PREVIEW ())", "bad"},
      {"FETCH 1 (BINARY[1.2] BINARY.PEEK[]<0.5> BINARY.SIZE[3])",
       "fetch 1 BINARY[1.2] peek BINARY[]<0>+5 BINARY.SIZE[3]"},
      {"FETCH 1 BINARY[TEXT]", "bad"},
      {"FETCH 1 BINARY[1.]", "bad"},
      {"FETCH 1 BINARY.SIZE[1]<0.1>", "bad"},
      {"FETCH 1 BINARY", "bad"},
      {"FETCH 1 FLAGS[1]", "bad"},
      {"FETCH 1 ()", "bad"},
      {"FETCH 1", "bad"},
      {"FETCH 1 FLAGS UID", "bad"},
      {"FETCH 1 (FLAGS  UID)", "bad"},
      {"FETCH 1 (FLAGS", "bad"},
      {"FETCH 1 BODY[MIME]", "bad"},
      {"FETCH 1 BODY[1.]", "bad"},
      {"FETCH 1 BODY[0]", "bad"},
      {"FETCH 1 BODY[1", "bad"},
      {"FETCH 1 BODY[1]<1>", "bad"},
      {"FETCH 1 BODY[1]<1.0>", "bad"},
      {"FETCH 1 BODY[HEADER.FIELDS ()]", "bad"},
      {"FETCH 1 BODY[HEADER.FIELDS]", "bad"},
      {"FETCH 1 BODYSTRUCTURE[1]", "bad"},
      {"FETCH 1 FLAGS<1.2>", "bad"},
  });
}

}  // namespace
}  // namespace posthorn::imap
