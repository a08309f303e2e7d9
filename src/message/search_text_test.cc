#include "message/search_text.h"

#include <gtest/gtest.h>

#include <random>

#include "message/parser.h"
#include "text/base64.h"
#include "text/casemap.h"

namespace posthorn::message {
namespace {

const std::string kMessage =
    "Subject: =?utf-8?q?Caf=C3=A9?= top\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nGr=FC=\r\n=DFe und K=F6ln\r\n"
    "--b\r\nContent-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n"
    "--b\r\nContent-Type: image/png; name=\"picture.png\"\r\n\r\nnot searched\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner =?utf-8?b?w6k=?=\r\n\r\ninner body\r\n"
    "--b--\r\n";

ReadBytes reader(const std::string& message, std::size_t most) {
  return [&message, most](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
    return std::string_view(message).substr(offset, std::min(want, most));
  };
}

std::string all_text(const std::string& message, SearchScope scope, std::size_t most) {
  std::string out;
  EXPECT_TRUE(
      extract_search_text(parse_message(message), scope, reader(message, most), [&](std::string_view utf8) {
        out += utf8;
        return true;
      }));
  return out;
}

TEST(SearchText, IsDecoded) {
  const std::string body =
      "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: "
      "quoted-printable\n\nGr\u00fc\u00dfe und K\u00f6ln\n"
      "Content-Type: text/html; charset=koi8-r\nContent-Transfer-Encoding: "
      "base64\n\n\u041f\u0440\u0438\u0432\u0435\u0442\n"
      "Content-Type: image/png; name=\"picture.png\"\n\nContent-Type: message/rfc822\n\nSubject: inner "
      "\u00e9\n\ninner body\n";
  for (const std::size_t most : {1U, 7U, 1000U}) {
    EXPECT_EQ(all_text(kMessage, SearchScope::body, most), body);
    EXPECT_EQ(all_text(kMessage, SearchScope::text, most),
              "Subject: Caf\u00e9 top\nContent-Type: multipart/mixed; boundary=b\n\n" + body);
  }
}

TEST(SearchText, Matches) {
  struct Case {
    std::string_view needle;
    bool in_body, in_text;
  };
  const Case cases[] = {
      {"gr\u00dc\u00dfe und k", true, true},
      {"\u043f\u0420\u0418\u0432", true, true},
      {"caf\u00e9 TOP", false, true},
      {"picture.PNG", true, true},
      {"not searched", false, false},
      {"preamble", false, false},
      {"inner \u00c9", true, true},
      {"inner body", true, true},
      {"", true, true},
      {"k\u00f6lnc", false, false},
  };
  const Summary s = parse_message(kMessage);
  for (const Case& c : cases)
    for (const std::size_t most : {1U, 3U, 64U, 5000U}) {
      const std::string needle = text::casemap(c.needle);
      EXPECT_EQ(*search_text_contains(s, SearchScope::body, needle, reader(kMessage, most)), c.in_body)
          << c.needle;
      EXPECT_EQ(*search_text_contains(s, SearchScope::text, needle, reader(kMessage, most)), c.in_text)
          << c.needle;
    }
}

// [RFC2231 3, 4]
TEST(SearchText, FileNamesThatAreEncodedOrInPieces) {
  const std::string message =
      "Content-Type: a/b; name*0=\"one \"; name*1=piece\r\n"
      "Content-Disposition: attachment; filename*=utf-8''%C3%9Cber%20uns.pdf\r\n\r\nx";
  const Summary s = parse_message(message);
  for (const std::string_view found : {"one piece", "\u00fcBER UNS", "%C3%9Cber"}) {
    const auto needle = text::casemap(found);
    EXPECT_TRUE(search_text_contains(s, SearchScope::text, needle, message)) << found;
    EXPECT_TRUE(*search_text_contains(s, SearchScope::text, needle, reader(message, 7))) << found;
  }
  const auto header = std::string_view(message).substr(0, s.header_size);
  EXPECT_TRUE(header_contains(header, "content-disposition", text::casemap("\u00fcber")));
  EXPECT_FALSE(header_contains(header, "content-type", text::casemap("\u00fcber")));
}

// Parts in every encoding; pieces of what they hold, and near misses, as needles.
class RandomMail {
 public:
  explicit RandomMail(unsigned seed) : random_(seed) {}

  std::string message() {
    std::string out = field() + field() + "Subject: " + words(5) + "\r\n";
    if (random_() % 3 == 0) return out + part_fields_and_body();
    out += "Content-Type: multipart/mixed; boundary=bb\r\n\r\n";
    for (auto parts = random_() % 4; parts > 0; --parts) out += "--bb\r\n" + part_fields_and_body() + "\r\n";
    return out + "--bb--\r\n";
  }
  std::string needle(const std::string& text) {
    if (random_() % 4 == 0) return words(1 + random_() % 2);
    const auto at = random_() % text.size();
    return text.substr(at, 1 + random_() % 12);
  }

 private:
  std::string words(std::size_t count) {
    static const std::string all[] = {"alpha", "Beta",  "gr\u00fc\u00dfe", "K\u00d6LN",      "\u0130stanbul", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "x_y",
                                      "a=3D",  "\u212a", "=?utf-8?q?=C3=A9t=C3=A9?=", "a\tb", "--",           "\x01", std::string(90, 'z')};
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? " " : "") + all[random_() % std::size(all)];
    return out;
  }
  std::string field() { return "X-Field: " + words(2) + (random_() % 2 ? "\r\n\t" : " ") + words(2) + "\r\n"; }
  std::string part_fields_and_body() {
    static constexpr std::string_view kCharsets[] = {"us-ascii", "utf-8", "iso-8859-1", "utf-7", "iso-2022-jp", ""};
    static constexpr std::string_view kTransfers[] = {"7bit", "8bit", "base64", "quoted-printable"};
    const auto transfer = random_() % std::size(kTransfers);
    std::string body;
    for (auto lines = random_() % 5; lines > 0; --lines) body += words(6) + "\r\n";
    if (transfer == 2) body = text::base64_encode(body);
    return "Content-Type: text/plain; charset=" + std::string(kCharsets[random_() % std::size(kCharsets)]) + "\r\nContent-Transfer-Encoding: " +
           std::string(kTransfers[transfer]) + "\r\n\r\n" + body;
  }
  std::mt19937 random_;
};

TEST(SearchText, WholeMessageAgreesWithTheStream) {
  RandomMail mail(7);
  int found = 0;
  for (int i = 0; i < 250; ++i) {
    const auto message = mail.message();
    const auto summary = parse_message(message);
    const auto text = text::casemap(all_text(message, SearchScope::text, 1000));
    for (int j = 0; j < 40; ++j) {
      const auto needle = text::casemap(mail.needle(text));
      for (const auto scope : {SearchScope::body, SearchScope::text, SearchScope::header}) {
        const bool expected = *search_text_contains(summary, scope, needle, reader(message, 1000));
        found += expected;
        EXPECT_EQ(search_text_contains(summary, scope, needle, std::string_view(message)), expected) << needle << "\n" << message;
      }
    }
  }
  EXPECT_GT(found, 3000);
}

TEST(SearchText, StopsEarlyAndReportsErrors) {
  const Summary s = parse_message(kMessage);
  int calls = 0;
  EXPECT_TRUE(extract_search_text(s, SearchScope::text, reader(kMessage, 10),
                                  [&](std::string_view) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
  const auto broken = search_text_contains(
      s, SearchScope::text, "X",
      [](std::uint64_t, std::size_t) -> Result<std::string_view> { return fail(Errc::io); });
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::io);
  EXPECT_FALSE(search_text_contains(
      s, SearchScope::text, "nowhere",
      [](std::uint64_t, std::size_t) -> Result<std::string_view> { return std::string_view(); }));
}

TEST(SearchText, EndlessHeaderLine) {
  const std::string m = "X: " + std::string(3'000'000, 'x') + "needle\r\n\r\nbody";
  EXPECT_TRUE(*search_text_contains(parse_message(m), SearchScope::text, "NEEDLE", reader(m, 100'000)));
  EXPECT_FALSE(*search_text_contains(parse_message(m), SearchScope::text, "ABSENT", reader(m, 1'000)));
}

TEST(SearchText, HeaderKey) {
  const std::string_view block =
      "Subject: =?utf-8?q?Caf=C3=A9?=\r\nX-Empty:\r\nSubject: second\r\n\r\nX-Body: x\r\n";
  EXPECT_TRUE(header_contains(block, "subject", text::casemap("CAF\u00c9")));
  EXPECT_TRUE(header_contains(block, "SUBJECT", text::casemap("second")));
  EXPECT_FALSE(header_contains(block, "subject", text::casemap("third")));
  EXPECT_TRUE(header_contains(block, "x-empty", ""));
  EXPECT_FALSE(header_contains(block, "x-body", ""));
  EXPECT_FALSE(header_contains(block, "cc", ""));
}

}  // namespace
}  // namespace posthorn::message
