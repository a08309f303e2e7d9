#include "message/downgrade.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "message/downgrade_checks.h"
#include "text/base64.h"

namespace posthorn::message {
namespace {

using namespace std::string_literals;

constexpr HostTakes k7{.content = Content::seven_bit}, k8{.content = Content::eight_bit}, kBinary{.content = Content::binary};

std::string converted(const std::string& message, const HostTakes& host) {
  const auto summary = parse_message(message);
  const auto plan = plan_downgrade(summary, scan_in_pieces(summary, message, 3), host);
  if (plan.fit != Fit::convert) return plan.fit == Fit::as_is ? "as it is" : plan.status;
  const auto out = downgrade_in_pieces(summary, plan, message, message.size());
  for (const std::size_t piece : {1u, 7u, 60u}) EXPECT_EQ(downgrade_in_pieces(summary, plan, message, piece), out);
  EXPECT_EQ(plan_for(out, host).fit, Fit::as_is) << out;
  EXPECT_TRUE(fits(scan_in_pieces(parse_message(out), out, 9).whole, {.content = host.content, .line = 0})) << out;
  return out;
}

TEST(Downgrade, WhatFitsIsNotTouched) {
  struct Case {
    std::string message;
    HostTakes host;
    Content content;
  };
  const std::string eight = "Content-Transfer-Encoding: 8bit\r\n\r\n\xC3\xA4\r\n";
  const std::string lied = "Content-Transfer-Encoding: binary\r\n\r\nonly ASCII\r\n";
  const std::string raw_header = "Subject: \xE4\r\n\r\nx\r\n";
  for (const auto& [message, host, content] : {Case{"A: b\r\n\r\nx\r\n", k7, Content::seven_bit}, Case{"", k7, Content::seven_bit},
                                               Case{eight, k8, Content::eight_bit}, Case{eight, kBinary, Content::eight_bit},
                                               Case{lied, k7, Content::seven_bit}, Case{raw_header, k8, Content::eight_bit},
                                               Case{"\r\n\0"s, kBinary, Content::binary},
                                               Case{"\r\n" + std::string(2000, 'x'), {.content = Content::eight_bit, .line = 0}, Content::seven_bit},
                                               Case{"\r\n" + std::string(2000, 'x'), kBinary, Content::binary}}) {
    const auto plan = plan_for(message, host);
    EXPECT_EQ(plan.fit, Fit::as_is) << message;
    EXPECT_EQ(plan.content, content) << message;
  }
}

TEST(Downgrade, EightBitTextToSevenBit) {
  EXPECT_EQ(converted("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n"
                      "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xC3\xBC\xC3\x9F"
                      "e \r\n-- \r\na=b\r\n",
                      k7),
            "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9F"
            "e=20\r\n=2D-=20\r\na=3Db\r\n");
  // Without any MIME, and without a line end.
  EXPECT_EQ(converted("Subject: x\r\n\r\n\xE4", k7),
            "Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n=E4=\r\n");
  // Mostly 8-bit.
  std::string russian;
  for (int i = 0; i < 50; ++i) russian += "\xD0\x9F\xD1\x80 ";
  EXPECT_EQ(converted("Content-Type: text/plain\r\nMIME-Version: 1.0\r\n\r\n" + russian.substr(0, 57) + "\xD0", k7),
            "Content-Type: text/plain\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
                text::base64_encode(russian.substr(0, 57)) + "\r\n0A==\r\n");
}

TEST(Downgrade, PartsAreConvertedAndTheirContainersSaySo) {
  // [RFC2045 6.4] The multipart must not keep 8bit, nor get an encoding; the 7-bit part keeps its bytes.
  EXPECT_EQ(converted("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n"
                      "--b\r\nContent-Transfer-Encoding: 7bit\r\n\r\nASCII = ASCII \r\n"
                      "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>\xC3\xA4\r\n\r\n"
                      "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\x89PNG\r\n"
                      "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nASCII all the same\r\n"
                      "--b--\r\nepilogue\r\n",
                      k7),
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n"
            "--b\r\nContent-Transfer-Encoding: 7bit\r\n\r\nASCII = ASCII \r\n"
            "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=A4\r\n\r\n"
            "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nASCII all the same\r\n"
            "--b--\r\nepilogue\r\n");
  // A message in a message: both of its fields, and the inner header without a copy of the outer one's label.
  EXPECT_EQ(converted("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                      "Subject: \xC3\xA4\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xC3\xA4\r\n",
                      k7),
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n\r\n"
            "Subject: =?utf-8?b?w6Q=?=\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n=C3=A4\r\n");
}

TEST(Downgrade, BinaryToEightBit) {
  // [RFC3030 3] "content is amenable to being encoded in 8bit": then only its label changes.
  EXPECT_EQ(converted("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                      "--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\xC3\xA4\r\n"
                      "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\r\n"
                      "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\n\r\n"
                      "--b--\r\n"s,
                      k8),
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            "--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xC3\xA4\r\n"
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=0Ab\r\n"
            "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAA0K\r\n"
            "--b--\r\n");
  // Bare line ends around parts, not in them.
  EXPECT_EQ(converted("Content-Type: multipart/mixed;\n boundary=b\n\n\0\rp\n--b\n\nx\n--b--\n"s, k8),
            "Content-Type: multipart/mixed;\r\n boundary=b\r\n\r\n? p\r\n--b\r\n\r\nx\r\n--b--\r\n");
}

TEST(Downgrade, BrokenEncodingsAreWrittenAnew) {
  EXPECT_EQ(converted("MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\xC3\xA4=\r\n=zz\r\n", k7),
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=C3=A4=3Dzz\r\n");
  EXPECT_EQ(converted("MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nZm\xA0" "9v\r\n", k7),
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nZm9v\r\n");
  EXPECT_EQ(converted("MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8-bit\r\n\r\n\xC3\xA4\r\n", k7),
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n");
}

TEST(Downgrade, LongLinesAreConvertedWhereThatLosesNothing) {
  const std::string longest(998, 'x'), more(999, 'y'), head = "MIME-Version: 1.0\r\n";
  for (const auto& host : {k7, k8}) {
    EXPECT_EQ(converted(head + "\r\n" + longest + "\r\n", host), "as it is");
    EXPECT_EQ(converted(head + "\r\n" + std::string(74, 'y') + more + "\r\n", host).find("Content-Transfer-Encoding: quoted-printable"), head.size());
    EXPECT_EQ(converted(head + "Content-Type: a/b\r\n\r\n" + more + "\r\n", host).find("Content-Transfer-Encoding: base64"), head.size() + 19);
    EXPECT_EQ(converted(head + "Content-Transfer-Encoding: base64\r\n\r\n" + text::base64_encode(more) + "\r\n", host).find(text::base64_encode(more).substr(0, 76) + "\r\n"),
              head.size() + 37);
    // In a header at white space, or not at all.
    EXPECT_EQ(converted("A: " + longest + " b\r\n\r\nx\r\n", host), "A: " + longest + "\r\n b\r\n\r\nx\r\n");
    EXPECT_EQ(converted("A: " + more + "\r\n\r\nx\r\n", host), "as it is");
    // [RFC1847 2.1]
    EXPECT_EQ(converted("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + more + "\r\n--b--\r\n", host), "as it is");
  }
}

TEST(Downgrade, WhatMustNotBeConverted) {
  struct Case {
    std::string message, status;
  };
  const std::string multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  for (const auto& [message, status] : {
           Case{"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xC3\xA4\r\n--b--\r\n", "5.6.2"},
           Case{multipart + "Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\nSubject: \xC3\xA4\r\n\r\nx\r\n--c--\r\n--b--\r\n", "5.6.2"},
           Case{multipart + "Content-Type: message/partial\r\n\r\n\xC3\xA4\r\n--b--\r\n", "5.6.3"},
           Case{multipart + "Content-Type: message/delivery-status\r\n\r\n\xC3\xA4\r\n--b--\r\n", "5.6.3"},
           Case{multipart + "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: \xC3\xA4\r\n\r\nx\r\n--b--\r\n", "5.6.3"},
           Case{"Content-Transfer-Encoding: x-uuencode\r\n\r\n\xC3\xA4\r\n", "5.6.3"},
           Case{"Content-Type: multipart/mixed\r\n\r\n\xC3\xA4\r\n", "5.6.3"},
           Case{"Content-Type: multipart/mixed; boundary=b\r\n\r\n\xC3\xA4\r\n", "5.6.3"},
           Case{"Content-Type: multipart/mixed; boundary*=utf-8''%C3%A4\r\n\r\n--\xC3\xA4\r\n\r\nx\r\n", "5.6.3"},
           Case{"From: \xC3\xA4@b\r\n\r\nx\r\n", "5.6.3"},
           Case{"Subject: \xC3\xA4" + std::string(1 << 20, 'x') + "\r\n\r\nx\r\n", "5.6.3"},
       }) {
    EXPECT_EQ(converted(message, k7), status) << message.substr(0, 200);
    const auto plan = plan_for(message, k7);
    EXPECT_TRUE(plan.changes.empty());
    EXPECT_NE(plan.reason.find("the next host does not offer 8BITMIME"), plan.reason.npos) << plan.reason;
    EXPECT_EQ(converted(message, kBinary), "as it is");
  }
  EXPECT_NE(plan_for("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\0\r\n--b--\r\n"s, k8).reason.find("BINARYMIME"), std::string::npos);
}

TEST(Downgrade, SomeLabelsStayThoughTheyAreOdd) {
  // [RFC6532 3.7] message/global may be encoded as a whole.
  EXPECT_EQ(converted("Content-Type: message/global\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                      "From: \xC3\xA4@b\r\nSubject: a long enough subject to be readable\r\n\r\nx\r\n",
                      k7),
            "Content-Type: message/global\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "From: =C3=A4@b\r\nSubject: a long enough subject to be readable\r\n\r\nx\r\n");
  // The parts of multipart/encrypted are data.
  EXPECT_EQ(converted("Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n\x80\r\n--b--\r\n", k7),
            "Content-Type: multipart/encrypted; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\ngA==\r\n--b--\r\n");
  // A message that says it is base64 is not looked into, and not labelled anew because of another part.
  const auto out = converted("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                             "U3ViamVjdDogeA0KDQp4\r\n--b\r\n\r\n\xC3\xA4\r\n--b--\r\n",
                             k7);
  EXPECT_NE(out.find("message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4\r\n"), out.npos);
}

TEST(Downgrade, PastALimitNothingIsRelabelled) {
  std::string deep, end;
  for (int i = 0; i < 150; ++i) {
    const auto boundary = "b" + std::to_string(i) + "x";
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  EXPECT_EQ(converted(deep + "\r\n\xC3\xA4\r\n", k7), "5.6.3");
  EXPECT_EQ(converted(deep + "\r\nASCII\r\n", k7), "as it is");
}

TEST(Utf8, IsNeededForAddressesAndDeclaredHeaders) {
  const std::vector<std::string> ascii{"a@example.org", "b@xn--bcher-kva.example"}, other{"a@example.org", "\xC3\xA4@example.org"};
  EXPECT_EQ(utf8_need(true, false, "a@b", ascii), Utf8Need::none);
  EXPECT_EQ(utf8_need(true, true, "", ascii), Utf8Need::header);
  EXPECT_EQ(utf8_need(false, true, "", ascii), Utf8Need::none);
  EXPECT_EQ(utf8_need(true, false, "\xC3\xA4@b", ascii), Utf8Need::address);
  EXPECT_EQ(utf8_need(false, false, "", other), Utf8Need::address);

  const auto has_utf8 = [](const std::string& message) { return scan_in_pieces(parse_message(message), message, 5).header_has_utf8; };
  EXPECT_TRUE(has_utf8("Subject: \xC3\xA4\r\n\r\nx"));
  EXPECT_FALSE(has_utf8("Subject: a\r\n\r\n\xC3\xA4"));
  EXPECT_TRUE(has_utf8("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Description: \xC3\xA4\r\n\r\n--b--"));
  EXPECT_FALSE(has_utf8("Content-Type: message/rfc822\r\n\r\nSubject: \xC3\xA4\r\n\r\nx"));
  EXPECT_TRUE(has_utf8("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Description: \xC3\xA4\r\n\r\n--b--"));
}

}  // namespace
}  // namespace posthorn::message
