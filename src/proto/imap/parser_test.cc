#include "proto/imap/parser.h"

#include <gtest/gtest.h>

#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

// Commands as text, so that a case is one line.
std::string show(const FlagList& f) {
  std::string out;
  Writer(out).flags(f);
  return out;
}

std::string show(const SequenceSet& s) {
  std::string out;
  put_sequence_set(out, s);
  return out;
}

std::string show(const SearchKey& key);

std::string show_all(std::string_view name, const std::vector<SearchKey>& keys) {
  std::string out(name);
  out += '(';
  for (const auto& k : keys) out += (out.back() == '(' ? "" : ", ") + show(k);
  return out + ")";
}

struct ShowKey {
  std::string operator()(const SearchAll&) const { return "all"; }
  std::string operator()(const SearchAnd& k) const { return show_all("and", k.keys); }
  std::string operator()(const SearchOr& k) const { return show_all("or", k.keys); }
  std::string operator()(const SearchNot& k) const { return show_all("not", k.keys); }
  std::string operator()(const SearchSequence& k) const { return (k.uid ? "uid " : "seq ") + show(k.set); }
  std::string operator()(const SearchFlag& k) const {
    return (k.set ? "" : "un") + std::string(to_string(k.flag));
  }
  std::string operator()(const SearchKeyword& k) const {
    return (k.set ? "keyword " : "unkeyword ") + k.keyword;
  }
  std::string operator()(const SearchDate& k) const {
    static constexpr std::string_view kOps[] = {"<", "=", ">="};
    static constexpr std::string_view kFields[] = {"date", "sent", "saved"};
    return std::string(kFields[static_cast<int>(k.field)]) + std::string(kOps[static_cast<int>(k.op)]) +
           text::format_imap_date(k.date);
  }
  std::string operator()(const SearchWithin& k) const {
    return (k.younger ? "younger " : "older ") + std::to_string(k.seconds);
  }
  std::string operator()(const SearchObjectId& k) const { return (k.thread ? "thread " : "email ") + k.id; }
  std::string operator()(const SearchSize& k) const {
    return (k.op == SearchSize::Op::larger ? "size>" : "size<") + std::to_string(k.size);
  }
  std::string operator()(const SearchHeader& k) const { return k.name + ":" + k.value; }
  std::string operator()(const SearchText& k) const {
    return (k.scope == SearchText::Scope::body ? "body:" : "text:") + k.value;
  }
  std::string operator()(const SearchModSeq& k) const {
    return "modseq>=" + std::to_string(k.mod_seq) + (k.entry_flag ? " of " + *k.entry_flag : "");
  }
};

std::string show(const SearchKey& key) { return std::visit(ShowKey{}, key.key); }

struct Show {
  std::string operator()(const Capability&) const { return "capability"; }
  std::string operator()(const Noop&) const { return "noop"; }
  std::string operator()(const Logout&) const { return "logout"; }
  std::string operator()(const Id& c) const {
    std::string out = "id";
    for (const auto& [k, v] : c.parameters) out += " " + k + "=" + v.value_or("NIL");
    return out;
  }
  std::string operator()(const StartTls&) const { return "starttls"; }
  std::string operator()(const Authenticate& c) const {
    return "authenticate " + c.mechanism + (c.initial_response ? " [" + *c.initial_response + "]" : "");
  }
  std::string operator()(const Login& c) const { return "login [" + c.user + "] [" + c.password + "]"; }
  std::string operator()(const Enable& c) const {
    std::string out = "enable";
    for (const auto& k : c.capabilities) out += " " + k;
    return out;
  }
  std::string operator()(const Select& c) const {
    std::string out =
        (c.read_only ? "examine [" : "select [") + c.mailbox + "]" + (c.condstore ? " condstore" : "");
    if (!c.qresync) return out;
    const auto& q = *c.qresync;
    out += " qresync " + std::to_string(q.uid_validity) + " " + std::to_string(q.mod_seq);
    if (q.known_uids) out += " uids " + show(*q.known_uids);
    if (q.match_numbers) out += " match " + show(*q.match_numbers) + "=" + show(*q.match_uids);
    return out;
  }
  std::string operator()(const Create& c) const {
    std::string out = "create [" + c.mailbox + "]";
    if (c.special_use) Writer(out).sp().special_uses(c.special_use);
    return out + (c.unknown_special_use ? " unknown use" : "");
  }
  std::string operator()(const Delete& c) const { return "delete [" + c.mailbox + "]"; }
  std::string operator()(const Rename& c) const { return "rename [" + c.from + "] [" + c.to + "]"; }
  std::string operator()(const Subscribe& c) const { return "subscribe [" + c.mailbox + "]"; }
  std::string operator()(const Unsubscribe& c) const { return "unsubscribe [" + c.mailbox + "]"; }
  std::string operator()(const List& c) const {
    std::string out = c.extended ? "list+ [" : "list [";
    out += c.reference + "]";
    for (const auto& p : c.patterns) out += " [" + p + "]";
    if (c.select) out += " select " + std::to_string(c.select);
    if (c.returns) out += " return " + std::to_string(c.returns);
    if (c.status_items) out += " status " + std::to_string(c.status_items);
    return out;
  }
  std::string operator()(const Lsub& c) const { return "lsub [" + c.reference + "] [" + c.pattern + "]"; }
  std::string operator()(const Status& c) const {
    return "status [" + c.mailbox + "] " + std::to_string(c.items);
  }
  std::string operator()(const Namespace&) const { return "namespace"; }
  std::string operator()(const Idle&) const { return "idle"; }
  std::string operator()(const SetAcl& c) const {
    static constexpr std::string_view kActions[] = {" = ", " + ", " - "};
    return "setacl [" + c.mailbox + "] [" + c.identifier + "]" +
           std::string(kActions[static_cast<int>(c.action)]) + c.rights;
  }
  std::string operator()(const DeleteAcl& c) const {
    return "deleteacl [" + c.mailbox + "] [" + c.identifier + "]";
  }
  std::string operator()(const GetAcl& c) const { return "getacl [" + c.mailbox + "]"; }
  std::string operator()(const ListRights& c) const {
    return "listrights [" + c.mailbox + "] [" + c.identifier + "]";
  }
  std::string operator()(const MyRights& c) const { return "myrights [" + c.mailbox + "]"; }
  std::string operator()(const GetQuota& c) const { return "getquota [" + c.root + "]"; }
  std::string operator()(const GetQuotaRoot& c) const { return "getquotaroot [" + c.mailbox + "]"; }
  std::string operator()(const SetQuota& c) const {
    std::string out = "setquota [" + c.root + "]";
    for (const auto& [resource, limit] : c.limits) out += " " + resource + "=" + std::to_string(limit);
    return out;
  }
  std::string operator()(const Compress& c) const { return "compress " + c.mechanism; }
  std::string operator()(const Restore& c) const {
    return "restore " + c.mailbox + " " + std::to_string(c.uid_validity) + " " + std::to_string(c.uid_next);
  }
  std::string operator()(const Sort& c) const {
    static constexpr std::string_view kKeys[] = {"arrival", "cc", "date",         "from",      "size",
                                                 "subject", "to", "display-from", "display-to"};
    std::string out = "sort";
    for (const auto& k : c.criteria)
      out += (k.reverse ? " -" : " ") + std::string(kKeys[static_cast<int>(k.key)]);
    return out + ": " + (*this)(c.search);
  }
  std::string operator()(const Thread& c) const {
    static constexpr std::string_view kAlgorithms[] = {"orderedsubject", "references", "refs"};
    return "thread " + std::string(kAlgorithms[static_cast<int>(c.algorithm)]) + ": " + (*this)(c.search);
  }
  std::string operator()(const Check&) const { return "check"; }
  std::string operator()(const Close&) const { return "close"; }
  std::string operator()(const Unselect&) const { return "unselect"; }
  std::string operator()(const Expunge& c) const { return "expunge" + (c.uids ? " " + show(*c.uids) : ""); }
  std::string operator()(const Search& c) const {
    std::string out = "search ";
    if (c.result.given) {
      const auto& r = c.result;
      out += std::string("return(") + (r.min ? "min " : "") + (r.max ? "max " : "") + (r.all ? "all " : "") +
             (r.count ? "count " : "") + (r.save ? "save " : "");
      if (r.partial) Writer(out).raw("partial ").result_range(*r.partial).sp();
      out.back() = ')';
      out += ' ';
    }
    return out + (c.charset.empty() ? "" : "[" + c.charset + "] ") + show(c.key);
  }
  std::string operator()(const Fetch& c) const {
    std::string out = "fetch " + show(c.set);
    for (const auto& a : c.attributes) {
      out += a.peek ? " peek " : " ";
      put_fetch_name(out, a);
      if (a.lazy) out += " lazy";
      if (a.partial) out += "+" + std::to_string(a.partial->count);
    }
    if (c.changed_since) out += " since " + std::to_string(*c.changed_since);
    if (c.vanished) out += " vanished";
    if (c.partial) Writer(out).raw(" partial ").result_range(*c.partial);
    return out;
  }
  std::string operator()(const Store& c) const {
    static constexpr std::string_view kActions[] = {" = ", " + ", " - "};
    return "store " + show(c.set) + std::string(kActions[static_cast<int>(c.action)]) + show(c.flags) +
           (c.silent ? " silent" : "") +
           (c.unchanged_since ? " unless " + std::to_string(*c.unchanged_since) : "");
  }
  std::string operator()(const Copy& c) const { return "copy " + show(c.set) + " [" + c.mailbox + "]"; }
  std::string operator()(const Move& c) const { return "move " + show(c.set) + " [" + c.mailbox + "]"; }
};

std::string parse(std::string_view text, const ParserLimits& limits = {}) {
  const auto got = parse_command("a " + std::string(text), limits);
  if (!got) return got.error().unknown_command ? "unknown" : "bad";
  EXPECT_EQ(got->tag, "a");
  return (got->uid ? "uid " : "") + std::visit(Show{}, got->command);
}

struct Case {
  std::string_view text, expected;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const auto& c : cases) EXPECT_EQ(parse(c.text), c.expected) << c.text;
}

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
  for (const auto& c : std::initializer_list<Case>{
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
    std::string out = " " + show(append.flags);
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
      out += show(*got->append.replaced);
    }
    return out + " [" + got->append.mailbox + "]" + show_options(got->append);
  };
  for (const auto& c : std::initializer_list<Case>{
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
