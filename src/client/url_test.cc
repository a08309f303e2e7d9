#include "client/url.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace posthorn::client {
namespace {

std::string read(std::string_view s) {
  const auto url = parse_mail_url(s);
  if (!url) return "error: " + url.error().text;
  std::string out(to_string(url->scheme));
  if (!url->user.empty()) out += " user=" + url->user;
  if (!url->host.empty()) out += " host=" + url->host;
  if (url->port != 0) out += " port=" + std::to_string(url->port);
  if (!url->path.empty()) out += " path=" + url->path;
  return out;
}

TEST(MailUrl, IsRead) {
  ::setenv("HOME", "/home/joe", 1);
  struct Case {
    std::string_view url, means, written = {};  // empty: as it was
  };
  const Case cases[] = {
      {"imaps://joe@mail.example.org", "imaps user=joe host=mail.example.org"},
      {"IMAPS://joe@Mail.Example.org:1993/", "imaps user=joe host=mail.example.org port=1993", "imaps://joe@mail.example.org:1993"},
      // The last "@" is the one: user names are addresses more often than not.
      {"imaps://joe@example.org@mail.example.org", "imaps user=joe@example.org host=mail.example.org"},
      {"imaps://joe%40example.org@[::1]:993", "imaps user=joe@example.org host=::1 port=993", "imaps://joe@example.org@[::1]:993"},
      {"imap://j%3Aoe@127.0.0.1", "imap user=j:oe host=127.0.0.1"},
      {"imap://joe%2Fadmin@h", "imap user=joe/admin host=h"},
      {"imap://h/Archive/2024", "imap host=h path=Archive/2024"},
      {"imap://h/Entw%C3%BCrfe%3F", "imap host=h path=Entw\u00fcrfe?", "imap://h/Entw\u00fcrfe%3F"},
      {"smap://h/a%25b", "smap host=h path=a%b"},
      {"smtp://b\u00fccher.example", "smtp host=xn--bcher-kva.example", "smtp://xn--bcher-kva.example"},
      {"submission://h", "submission host=h"},
      {"submissions://h:1465", "submissions host=h port=1465"},
      {"pop3://joe@h", "pop3 user=joe host=h"},
      {"pop3s://joe@h", "pop3s user=joe host=h"},
      {"smaps://h", "smaps host=h"},
      {"lmtp://127.0.0.1:24", "lmtp host=127.0.0.1 port=24"},
      {"lmtp:/run/mail%20er", "lmtp path=/run/mail er"},
      {"lmtp:///run/mailer", "lmtp path=/run/mailer", "lmtp:/run/mailer"},
      {"lmtp:////run/mailer", "lmtp path=//run/mailer"},
      {"maildir:~/Mail", "maildir path=/home/joe/Mail", "maildir:/home/joe/Mail"},
      {"maildir:~joe", "maildir path=~joe"},
      {"mbox:a%20b:c?", "mbox path=a%20b:c?"},
      {"posthorn:joe@example.org", "posthorn path=joe@example.org"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.url);
    EXPECT_EQ(read(c.url), c.means);
    const auto url = parse_mail_url(c.url);
    ASSERT_TRUE(url);
    EXPECT_EQ(to_string(*url), c.written.empty() ? c.url : c.written);
    EXPECT_EQ(parse_mail_url(to_string(*url)).value(), *url);
  }
}

TEST(MailUrl, IsRefusedInWords) {
  struct Case {
    std::string_view url, why;
  };
  const Case cases[] = {
      {"", "must begin with"},
      {"mail.example.org", "must begin with"},
      {"mail.example.org:25", "must begin with"},
      {"http://h", "must begin with"},
      {"imap:h", "belongs //"},
      {"imap://", "no host"},
      {"imap://joe@", "no host"},
      {"imap://@h", "no name before"},
      {"imap://joe:secret@h", "password"},
      {"imap://joe;AUTH=PLAIN@h", "mechanism"},
      {"imap://h:", "a number from 1"},
      {"imap://h:0", "a number from 1"},
      {"imap://h:65536", "a number from 1"},
      {"imap://h:+1", "a number from 1"},
      {"imap://h:1x", "a number from 1"},
      {"imap://::1", "between [ and ]"},
      {"imap://[::1", "] is missing"},
      {"imap://[::1]1", "only a colon"},
      {"imap://[127.0.0.1]", "IPv6"},
      {"imap://[fe80::1%25eth0]", "without a zone"},
      {"imap://a b", "no name of a host"},
      {"imap://-a", "no name of a host"},
      {"imap://a..b", "no name of a host"},
      {"imap://h/a?b", "%3F"},
      {"imap://h/a%2", "two hexadecimal"},
      {"imap://h/%ff", "no UTF-8"},
      {"imap://%ff@h", "no UTF-8"},
      {"imap://h/a%0Ab", "control"},
      {"imap://h/a%C2%85b", "control"},
      {"imap://joe%00@h", "control"},
      {"maildir:a\nb", "control"},
      {"smtp://h/path", "nothing may follow"},
      {"pop3://h/INBOX", "nothing may follow"},
      {"lmtp://h", "no port of its own"},
      {"lmtp:run/mailer", "begins with /"},
      {"lmtp:", "begins with /"},
      {"maildir:", "nothing behind"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.url);
    const auto url = parse_mail_url(c.url);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, Errc::syntax);
    EXPECT_TRUE(url.error().text.contains(c.why)) << url.error().text;
  }
  EXPECT_FALSE(parse_mail_url("maildir:" + std::string(100'000, 'a')));
}

TEST(MailUrl, APasswordIsNotRepeated) {
  const auto url = parse_mail_url("imap://joe:secret@h");
  ASSERT_FALSE(url);
  EXPECT_FALSE(url.error().text.contains("secret")) << url.error().text;
}

TEST(MailUrl, HomeMustBeKnown) {
  ::setenv("HOME", "", 1);
  EXPECT_FALSE(parse_mail_url("maildir:~/Mail"));
  EXPECT_TRUE(parse_mail_url("maildir:/Mail"));
}

}  // namespace
}  // namespace posthorn::client
