#include "mailauth/dkim/signer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/base64.h"
#include "mailauth/dkim/testing_keys.h"
#include "text/ascii.h"

namespace posthorn::mailauth::dkim {
namespace {

using enum Canonicalization;

const crypto::NamedKey& rsa_key() {
  static const auto key = key_of("test", kRsaKeyOf8463);
  return key;
}
const crypto::NamedKey& ed25519_key() {
  static const auto key = key_of("brisbane", kEd25519KeyOf8463);
  return key;
}

constexpr std::string_view kBody = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
constexpr std::string_view kHeader =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";

std::string base64(std::string_view bytes) { return crypto::encode_base64(bytes, crypto::Padding::equals); }

std::string signature_of(const crypto::NamedKey& key, std::string_view hashed) {
  return base64(*key.key->sign(crypto::sha256(hashed)));
}

// [RFC6376 A.2]  Its blanks suffered in print; these are the ones that were signed: six at a fold, one after "game.".
TEST(DkimVectors, Rfc6376) {
  const auto header =
      "Received: from client1.football.example.com  [192.0.2.1]\r\n"
      "      by submitserver.example.com with SUBMISSION;\r\n"
      "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" +
      std::string(kHeader);
  BodyHash body(simple);
  body.feed("Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n");
  EXPECT_EQ(base64(crypto::view(body.finish())), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
  const auto hashed = text_of_fields(simple, header, {"Received", "From", "To", "Subject", "Date", "Message-ID"}) +
                      canonical_field(simple,
                                      "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
                                      "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
                                      "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
                                      "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                      "      b=;\r\n");
  EXPECT_EQ(signature_of(key_of("brisbane", kRsaKeyOf6376), hashed),
            "AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut"
            "KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV4bmp/YzhwvcubU4=");
}

TEST(DkimVectors, Rfc8463) {  // [RFC8463 A.3]
  BodyHash body(relaxed);
  body.feed(kBody);
  EXPECT_EQ(base64(crypto::view(body.finish())), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
  const auto fields =
      text_of_fields(relaxed, kHeader, {"from", "to", "subject", "date", "message-id", "from", "subject", "date"});
  EXPECT_EQ(signature_of(ed25519_key(), fields + canonical_field(relaxed,
                                                                 "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                                                 " d=football.example.com; i=@football.example.com;\r\n"
                                                                 " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                                                 " subject : date : message-id : from : subject : date;\r\n"
                                                                 " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                                                 " b=\r\n")),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
  EXPECT_EQ(signature_of(rsa_key(), fields + canonical_field(relaxed,
                                                             "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                                                             " d=football.example.com; i=@football.example.com;\r\n"
                                                             " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                                                             " date : message-id : from : subject : date;\r\n"
                                                             " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                                             " b=\r\n")),
            "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
            "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
}

Signer read(std::string_view message, std::size_t piece = 1 << 20, Canonicalization header = relaxed, Canonicalization body = relaxed) {
  Signer signer(header, body);
  for (; !message.empty(); message.remove_prefix(std::min(piece, message.size()))) {
    const std::string copy(message.substr(0, piece));  // so that ASan sees a view that is kept
    signer.feed(copy);
  }
  signer.end();
  return signer;
}

Identity joe(std::vector<crypto::NamedKey> keys = {rsa_key(), ed25519_key()}) {
  return {.domain = "football.example.com", .keys = std::move(keys)};
}

std::string value_of(std::string_view field, std::string_view tag) {  // without its folding
  std::string flat;
  for (const char c : field)
    if (!text::is_space(c)) flat += c;
  const auto start = flat.find(";" + std::string(tag) + "=");
  if (start == flat.npos) return {};
  const auto from = start + tag.size() + 2;
  return flat.substr(from, std::min(flat.find(';', from), flat.size()) - from);
}

// What a verifier does, with the private key in the place of the public one: RSA of PKCS #1 v1.5 and Ed25519 give one signature only.
void expect_good(std::string_view field, std::string_view message, const crypto::NamedKey& key, Canonicalization header_form,
                 Canonicalization body_form) {
  EXPECT_TRUE(field.starts_with("DKIM-Signature: v=1; a=" + std::string(name_of(key.key->algorithm())) + "-sha256; c="));
  EXPECT_EQ(value_of(field, "c"), std::string(name_of(header_form)) + "/" + std::string(name_of(body_form)));
  EXPECT_EQ(value_of(field, "d"), "football.example.com");
  EXPECT_EQ(value_of(field, "s"), key.name);
  EXPECT_EQ(value_of(field, "l"), "");
  const auto end = std::min(message.find("\r\n\r\n"), message.size());
  const auto body_start = std::min(end + 4, message.size());
  BodyHash body(body_form);
  body.feed(message.substr(body_start));
  EXPECT_EQ(value_of(field, "bh"), base64(crypto::view(body.finish())));
  std::vector<std::string> names(1);
  for (const char c : value_of(field, "h"))
    if (c == ':')
      names.emplace_back();
    else
      names.back() += c;
  const auto b = field.rfind(" b=") + 3;
  const auto hashed = text_of_fields(header_form, message.substr(0, body_start), names) + canonical_field(header_form, field.substr(0, b));
  EXPECT_EQ(value_of(field, "b"), signature_of(key, hashed));
}

TEST(DkimSigner, AFieldForEachKeyFromOnePass) {
  const auto message = std::string(kHeader) + "\r\n" + std::string(kBody);
  for (const auto header : {simple, relaxed})
    for (const auto body : {simple, relaxed}) {
      const auto fields = read(message, 1000, header, body).finish(joe());
      ASSERT_TRUE(fields) << fields.error().text;
      const auto second = fields->find("DKIM-Signature:", 1);
      ASSERT_NE(second, fields->npos);
      expect_good(std::string_view(*fields).substr(0, second), message, rsa_key(), header, body);
      expect_good(std::string_view(*fields).substr(second), message, ed25519_key(), header, body);
      for (std::size_t start = 0; start < fields->size();) {
        const auto end = fields->find("\r\n", start);
        ASSERT_NE(end, fields->npos);
        EXPECT_LE(end - start, 76u) << *fields;
        EXPECT_EQ(start == 0 || start == second, (*fields)[start] == 'D') << *fields;
        start = end + 2;
      }
      for (const std::size_t piece : {1u, 2u, 3u, 5u, 64u, 4096u}) EXPECT_EQ(*read(message, piece, header, body).finish(joe()), *fields) << piece;
    }
}

TEST(DkimSigner, ExactlyThis) {
  auto identity = joe({ed25519_key()});
  identity.user = "j;o=e@football.example.com";
  identity.time = SysTime(std::chrono::milliseconds(1528637909'999));
  identity.lifetime = std::chrono::hours(24 * 14);
  const auto message = std::string(kHeader) + "\r\n" + std::string(kBody);
  const auto field = read(message).finish(identity);
  ASSERT_TRUE(field) << field.error().text;
  constexpr std::string_view kBegin =
      "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
      " d=football.example.com; s=brisbane; i=j=3Bo=3De@football.example.com;\r\n"
      " t=1528637909; x=1529847509; h=from:from:reply-to:subject:subject:date:date:\r\n"
      " message-id:message-id:to:to:cc;\r\n"
      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
      " b=";
  EXPECT_EQ(field->substr(0, kBegin.size()), kBegin);
  expect_good(*field, message, ed25519_key(), relaxed, relaxed);
}

std::string signed_names(std::string_view header) { return value_of(*read(header).finish(joe({ed25519_key()})), "h"); }

TEST(DkimSigner, WhichFieldsAreSigned) {
  constexpr std::string_view kBare = "from:from:reply-to:subject:date:to:cc";
  struct Case {
    std::string_view header, names;
  };
  const Case cases[] = {
      {"From: a@b\r\n", kBare},
      {"Received: x\r\nReturn-Path: <>\r\nX-Y: z\r\nComments: c\r\nDKIM-Signature: v=1\r\nfrom: a@b\r\n", kBare},
      {"FROM : a@b\r\nrubbish\r\n folded\r\n", kBare},
      {"From: a@b\r\nSubject: 1\r\nSUBJECT: 2\r\n", "from:from:reply-to:subject:subject:subject:date:to:cc"},
      {"From: a@b\r\nContent-Type: text/plain\r\nMIME-Version: 1.0\r\nMessage-ID: <x>\r\nSender: s@b\r\n",
       "from:from:sender:sender:reply-to:subject:date:message-id:message-id:to:cc:mime-version:mime-version:content-type:content-type"},
      {"List-Unsubscribe-Post: x\r\nList-Unsubscribe: <y>\r\nResent-To: z\r\nResent-To: z\r\nFrom: a@b\r\n",
       "from:from:reply-to:subject:date:to:cc:resent-to:resent-to:list-unsubscribe:list-unsubscribe-post"},
      {"From: a@b\r\nFrom: c@d\r\n", "from:from:from:reply-to:subject:date:to:cc"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(signed_names(std::string(c.header) + "\r\nbody"), c.names) << c.header;
    EXPECT_EQ(signed_names(c.header), c.names) << c.header;                                    // no end of the header
    EXPECT_EQ(signed_names(c.header.substr(0, c.header.size() - 2)), c.names) << c.header;     // no end of the line
  }
}

TEST(DkimSigner, WhatIsAddedOrChangedBreaksTheSignature) {
  const auto text_with = [](std::string_view header) {
    return text_of_fields(relaxed, header, {"from", "from", "subject", "subject", "to"});
  };
  const std::string header = "From: a@b\r\nSubject: c\r\n";
  const auto good = text_with(header);
  EXPECT_EQ(text_with("X-Any: y\r\n" + header), good);
  EXPECT_EQ(text_with("SUBJECT:\tc \r\nFrom:  a@b\r\n"), good);
  for (const std::string added : {"From: z@b\r\n", "Subject: z\r\n", "To: z\r\n"}) {
    EXPECT_NE(text_with(added + header), good) << added;
    EXPECT_NE(text_with(header + added), good) << added;
  }
  // [RFC6376 5.4.2] from the bottom to the top
  EXPECT_EQ(text_of_fields(relaxed, "Received: A\r\nReceived: B\r\nReceived: C\r\n", {"received", "Received"}), "received:C\r\nreceived:B\r\n");
}

TEST(DkimSigner, WhatAKeyHasSignedItSignsNoMore) {
  const auto message = std::string(kHeader) + "\r\n" + std::string(kBody);
  const auto by_rsa = *read(message).finish(joe({rsa_key()}));
  const auto count = [](const std::string& fields) {
    std::size_t n = 0;
    for (auto at = fields.find("DKIM-Signature:"); at != fields.npos; at = fields.find("DKIM-Signature:", at + 1)) ++n;
    return n;
  };
  const auto second = *read(by_rsa + message).finish(joe());
  EXPECT_EQ(count(second), 1u);
  EXPECT_NE(second.find("a=ed25519-sha256"), second.npos);
  EXPECT_EQ(count(*read(second + by_rsa + message).finish(joe())), 0u);
  EXPECT_EQ(count(*read(by_rsa + message + "more\r\n").finish(joe())), 2u) << "of another body";
  auto other = joe();
  other.domain = "elsewhere.example";
  EXPECT_EQ(count(*read(by_rsa + message).finish(other)), 2u);
}

TEST(DkimSigner, TheAuthorsDomain) {
  for (const auto& [from, domain] : {std::pair{"From: Joe <joe@Football.Example.com>\r\n", "football.example.com"},
                                     {"From: a@x.test, B <b@X.TEST>\r\n", "x.test"},
                                     {"From: a@x.test, b@y.test\r\n", ""},
                                     {"From: a@x.test\r\nFrom: b@y.test\r\n", ""},
                                     {"From: team: a@x.test;\r\n", "x.test"},
                                     {"From: joe\r\n", ""},
                                     {"From:\r\n", ""},
                                     {"Sender: a@x.test\r\n", ""}})
    EXPECT_EQ(read(std::string(from) + "\r\n").author_domain(), domain) << from;
  Signer signer;
  signer.feed("From: a@x.test\r\n\r");
  EXPECT_FALSE(signer.header_ended());
  signer.feed("\nbody");
  EXPECT_TRUE(signer.header_ended());
  EXPECT_EQ(signer.author_domain(), "x.test");
}

TEST(DkimSigner, WhatCannotBeSigned) {
  const auto code = [](const Result<std::string>& r) { return r ? "signed" : std::string(to_string(r.error().code)); };
  const auto invalid = std::string(to_string(Errc::invalid));
  for (const std::string message : {"", "\r\n", "\r\nFrom: a@b\r\n\r\n", "To: a@b\r\n\r\nFrom: a@b", "From: a\n\nb", "From: a\r\nX: \ry\r\n\r\n",
                                    " From: a@b\r\n\r\n", "hello"})
    EXPECT_EQ(code(read(message).finish(joe())), invalid) << message;
  const auto signer = read("From: a@b\r\n\r\n");
  EXPECT_EQ(*signer.finish(joe({})), "");
  for (const std::string bad : {"", "b\xc3\xbc" "cher.test", "a b", "x;y", "a\r\nb"}) {
    auto identity = joe();
    identity.domain = bad;
    EXPECT_EQ(code(signer.finish(identity)), invalid) << bad;
    EXPECT_EQ(code(signer.finish(joe({{bad, rsa_key().key}}))), invalid) << bad;
  }
  EXPECT_EQ(code(read("From: a@b\r\n\r\nbare \r and \n in the body").finish(joe())), "signed");
}

TEST(DkimSigner, HeadersOfAnySizeAreBounded) {
  const std::string long_field = "X-Long: " + std::string(200'000, 'x') + "\r\n";
  const auto message = [&](int times) {
    std::string m = "From: a@b\r\n";
    for (int i = 0; i < times; ++i) m += long_field;
    return m + "\r\nbody";
  };
  EXPECT_TRUE(read(message(1)).finish(joe()));
  for (const std::size_t piece : {100u, 65536u, 10'000'000u}) {
    EXPECT_EQ(read(message(2), piece).finish(joe()).error().code, Errc::too_large) << piece;
    EXPECT_EQ(read(message(20), piece).finish(joe()).error().code, Errc::too_large) << piece;
  }
  // exactly the limit, and one byte more
  const std::string begin = "From: a@b\r\nX: ";
  const auto sized = [&](std::size_t size) { return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n"; };
  for (const std::size_t piece : {1000u, 10'000'000u}) {
    EXPECT_TRUE(read(sized(Signer::kMaxHeader), piece).finish(joe()));
    EXPECT_FALSE(read(sized(Signer::kMaxHeader + 1), piece).finish(joe()));
  }
}

TEST(DkimSigner, ManyInstancesOfAField) {
  std::string header = "From: a@b\r\n";
  for (int i = 0; i < 3000; ++i) header += "To: u" + std::to_string(i) + "@example.test\r\n";
  const auto field = read(header + "\r\n").finish(joe({ed25519_key()}));
  ASSERT_TRUE(field) << field.error().text;
  expect_good(*field, header + "\r\n", ed25519_key(), relaxed, relaxed);
}

}  // namespace
}  // namespace posthorn::mailauth::dkim
