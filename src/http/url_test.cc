#include "http/url.h"

#include <gtest/gtest.h>

namespace posthorn::http {
namespace {

TEST(Url, WhatIsAccepted) {
  struct Case {
    std::string text;
    Url url;
    std::string authority;
  };
  const Case cases[] = {
      {"https://example.org", {true, "example.org", 443, "/"}, "example.org"},
      {"HTTPS://Example.ORG/.well-known/mta-sts.txt", {true, "example.org", 443, "/.well-known/mta-sts.txt"}, "example.org"},
      {"http://example.org?a=b#part", {false, "example.org", 80, "/?a=b"}, "example.org"},
      {"https://example.org:8443/x", {true, "example.org", 8443, "/x"}, "example.org:8443"},
      {"https://example.org:/x", {true, "example.org", 443, "/x"}, "example.org"},
      {"http://127.0.0.1:80/", {false, "127.0.0.1", 80, "/"}, "127.0.0.1"},
      {"https://[2001:db8::1]:444/", {true, "2001:db8::1", 444, "/"}, "[2001:db8::1]:444"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << url.error().text;
    EXPECT_EQ(*url, c.url);
    EXPECT_EQ(url->authority(), c.authority);
    EXPECT_EQ(parse_url(url->text()).value(), *url);
  }
}

TEST(Url, WhatIsNot) {
  for (const std::string text : {"", "example.org", "ftp://example.org/", "https://", "https:///path", "https://a b/", "https://a/\r\nX: y", "https://a:0/",
                                 "https://a:65536/", "https://a:8x/", "https://user@a/", "https://user:secret@a/", "https://[::1/", "https://[1.2.3.4]/",
                                 "https://[::1]x/", "https://a..b/", "https://.a/", "https://\xc3\xa4.example/", "https://a%20b/"})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_FALSE(parse_url("https://a/" + std::string(kMaxUrl, 'x')));
}

}  // namespace
}  // namespace posthorn::http
