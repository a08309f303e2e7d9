// ENVELOPE and BODYSTRUCTURE of mail as it should be, and of mail as it is.
#include <gtest/gtest.h>

#include <string>

#include "message/parser.h"
#include "server/imap/put_bodystructure.h"
#include "server/imap/put_envelope.h"

namespace posthorn::imap {
namespace {

// "|" stands for a line end.
std::string lines(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += "\r\n";
    else out += c;
  }
  return out;
}

std::string envelope_of(std::string_view text) {
  const std::string summary = message::encode(message::parse_message(lines(text)));
  message::EnvelopeView envelope;
  EXPECT_TRUE(message::SummaryView::open(summary)->read_envelope(envelope));
  std::string out;
  put_envelope(out, envelope);
  return out;
}

std::string structure_of(std::string_view text, ExtensionData extension = ExtensionData::yes) {
  const std::string summary = message::encode(message::parse_message(lines(text)));
  message::StructureView structure;
  EXPECT_TRUE(message::SummaryView::open(summary)->read_structure(structure));
  std::string out;
  put_bodystructure(out, structure, extension);
  return out;
}

TEST(PutEnvelope, Table) {
  struct Case {
    const char* message;
    std::string envelope;
  };
  const Case cases[] = {
      // [RFC3501 8] the sample connection
      {"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)|From: Terry Gray <gray@cac.washington.edu>|"
       "Subject: IMAP4rev1 WG mtg summary and minutes|To: imap@cac.washington.edu|"
       "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>|Message-Id: <B27397-0100000@cac.washington.edu>||x",
       R"_(("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" )_"
       R"_((("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) )_"
       R"_((("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) )_"
       R"_(((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL )_"
       R"_("<B27397-0100000@cac.washington.edu>"))_"},
      {"|no header at all", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
      // [RFC3501 7.4.2] an empty field is "", an absent one NIL
      {"Subject:||x", R"_((NIL "" NIL NIL NIL NIL NIL NIL NIL NIL))_"},
      {"Subject: a \"quote\" and a \\||x", R"_((NIL "a \"quote\" and a \\" NIL NIL NIL NIL NIL NIL NIL NIL))_"},
      {"Subject: caf\xC3\xA9||x", "(NIL {5}\r\ncaf\xC3\xA9 NIL NIL NIL NIL NIL NIL NIL NIL)"},
      {"Subject: folded|\tline||x", R"_((NIL "folded line" NIL NIL NIL NIL NIL NIL NIL NIL))_"},
      // groups
      {"To: friends: a@b.c, d@e.f;||x",
       R"_((NIL NIL NIL NIL NIL ((NIL NIL "friends" NIL)(NIL NIL "a" "b.c")(NIL NIL "d" "e.f")(NIL NIL NIL NIL)) NIL NIL NIL NIL))_"},
      {"To: undisclosed-recipients:;||x",
       R"_((NIL NIL NIL NIL NIL ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL))_"},
      // a host is never NIL, that would begin a group
      {"From: root||x", R"_((NIL NIL ((NIL NIL "root" "")) ((NIL NIL "root" "")) ((NIL NIL "root" "")) NIL NIL NIL NIL NIL))_"},
      {"From: <@relay,@other:a@b.c>||x",
       R"_((NIL NIL ((NIL "@relay,@other" "a" "b.c")) ((NIL "@relay,@other" "a" "b.c")) ((NIL "@relay,@other" "a" "b.c")) NIL NIL NIL NIL NIL))_"},
      {"In-Reply-To: <a@b>|Message-ID: <c@d>||x", R"_((NIL NIL NIL NIL NIL NIL NIL NIL "<a@b>" "<c@d>"))_"},
  };
  for (const auto& c : cases) EXPECT_EQ(envelope_of(c.message), c.envelope);
}

TEST(PutBodystructure, Table) {
  struct Case {
    const char* message;
    std::string structure;
  };
  const Case cases[] = {
      {"Subject: x||one|two|", R"_(("text" "plain" NIL NIL NIL "7bit" 10 2 NIL NIL NIL NIL))_"},
      {"|", R"_(("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL))_"},
      {"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII||x|", R"_(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 3 1 NIL NIL NIL NIL))_"},
      {"Content-Type: image/png; name=\"a b.png\"|Content-Transfer-Encoding: BASE64|Content-ID: <i@d>|Content-Description: pic|"
       "Content-MD5: abc==|Content-Disposition: attachment; filename=x.png|Content-Language: en, de|Content-Location: http://x/||AAAA",
       R"_(("image" "png" ("name" "a b.png") "<i@d>" "pic" "base64" 4 "abc==" ("attachment" ("filename" "x.png")) ("en" "de") "http://x/"))_"},
      {"Content-Type: text/html|Content-Language: fr|Content-Disposition: inline||x",
       R"_(("text" "html" NIL NIL NIL "7bit" 1 0 NIL ("inline" NIL) "fr" NIL))_"},
      {"Content-Type: multipart/alternative; boundary=b||pre|--b||a|--b|Content-Type: text/html||<p>|--b--|post",
       R"_((("text" "plain" NIL NIL NIL "7bit" 1 0 NIL NIL NIL NIL)("text" "html" NIL NIL NIL "7bit" 3 0 NIL NIL NIL NIL) )_"
       R"_("alternative" ("boundary" "b") NIL NIL NIL))_"},
      // an embedded message
      {"Content-Type: message/rfc822||Subject: in||body|",
       R"_(("message" "rfc822" NIL NIL NIL "7bit" 21 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) )_"
       R"_(("text" "plain" NIL NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL))_"},
      // [RFC2046 5.1.5] parts of a digest are messages
      {"Content-Type: multipart/digest; boundary=b||--b||Subject: d||x|--b--|",
       R"_((("message" "rfc822" NIL NIL NIL "7bit" 15 (NIL "d" NIL NIL NIL NIL NIL NIL NIL NIL) )_"
       R"_(("text" "plain" NIL NIL NIL "7bit" 1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) "digest" ("boundary" "b") NIL NIL NIL))_"},
      // a parameter with a quote and 8-bit
      {"Content-Type: text/plain; name=\"a\\\"\xC3\xA9\"||x",
       "(\"text\" \"plain\" (\"name\" {4}\r\na\"\xC3\xA9) NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"},
  };
  for (const auto& c : cases) EXPECT_EQ(structure_of(c.message), c.structure) << c.message;
}

TEST(PutBodystructure, BodyHasNoExtensionData) {
  EXPECT_EQ(structure_of("Content-Type: multipart/mixed; boundary=b||--b||a|--b--|", ExtensionData::no),
            R"_((("text" "plain" NIL NIL NIL "7bit" 1 0) "mixed"))_");
}

// What the grammar demands is there even if the message has it not.
TEST(PutBodystructure, AlwaysValid) {
  message::StructureView structure;
  structure.parts.emplace_back();
  structure.parts[0].type = "multipart";
  structure.parts[0].subtype = "mixed";
  std::string out;
  put_bodystructure(out, structure, ExtensionData::no);
  EXPECT_EQ(out, R"_((("text" "plain" NIL NIL NIL "7bit" 0 0) "mixed"))_");
  structure.parts[0].type = "message";
  structure.parts[0].subtype = "rfc822";
  out.clear();
  put_bodystructure(out, structure, ExtensionData::no);
  EXPECT_EQ(out, R"_(("message" "rfc822" NIL NIL NIL "7bit" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) )_"
                 R"_(("text" "plain" NIL NIL NIL "7bit" 0 0) 0))_");
  structure.parts[0].subtype = "global";
  out.clear();
  put_bodystructure(out, structure, ExtensionData::no);
  EXPECT_EQ(out, R"_(("message" "global" NIL NIL NIL "7bit" 0))_");
  out.clear();
  put_bodystructure(out, structure, ExtensionData::no, Revision::rev2);
  EXPECT_EQ(out, R"_(("message" "global" NIL NIL NIL "7bit" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) )_"
                 R"_(("text" "plain" NIL NIL NIL "7bit" 0 0) 0))_");
  // a multipart whose boundary never comes
  const auto broken = structure_of("Content-Type: multipart/mixed; boundary=b||nothing|", ExtensionData::no);
  EXPECT_TRUE(broken.starts_with("((\"text\" \"plain\"") || broken.starts_with("(\"text\" \"plain\"")) << broken;
}

}  // namespace
}  // namespace posthorn::imap
