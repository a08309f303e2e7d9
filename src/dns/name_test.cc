#include "dns/name.h"

#include <gtest/gtest.h>

namespace posthorn::dns {
namespace {

std::string wire(const Name& name) {
  std::string out;
  name.put_wire(out);
  return out;
}

TEST(Name, HasOneSpelling) {
  for (const auto& [in, out] : {std::pair{"Mail.Example.ORG", "mail.example.org"}, {"mail.example.org.", "mail.example.org"}, {".", "."},
                                {"_25._tcp.mx", "_25._tcp.mx"}, {"a\\.b.c", "a\\.b.c"}, {"a\\046b.c", "a\\.b.c"}, {"\\065.b", "a.b"},
                                {"a\\\\.b", "a\\\\.b"}, {"a\\032b", "a\\032b"}, {"a b", "a\\032b"}, {"\\000.x", "\\000.x"},
                                {"\\255.x", "\\255.x"}, {"*.example", "*.example"}, {"a\\..", "a\\."}}) {
    const auto name = Name::parse(in);
    ASSERT_TRUE(name) << in << ": " << name.error().text;
    EXPECT_EQ(name->text(), out) << in;
    std::string_view bytes;
    const std::string written = wire(*name);
    bytes = written;
    EXPECT_EQ(Name::take_wire(bytes)->text(), out) << in;
    EXPECT_TRUE(bytes.empty());
    EXPECT_EQ(name->wire_size(), written.size());
    EXPECT_EQ(Name::parse(name->text()), *name) << "a name can be read as it is written";
  }
}

TEST(Name, KeepsTheLimits) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');  // 255 octets as sent
  ASSERT_TRUE(Name::parse(longest));
  EXPECT_EQ(Name::parse(longest)->wire_size(), 255u);
  EXPECT_TRUE(Name::parse(longest + "."));
  for (const auto& [in, code] : {std::pair<std::string, Errc>{"", Errc::syntax}, {"..", Errc::syntax}, {".a", Errc::syntax}, {"a..b", Errc::syntax},
                                 {"a\\", Errc::syntax}, {"a\\25", Errc::syntax}, {"a\\256", Errc::syntax}, {"b\xc3\xbc", Errc::syntax},
                                 {"a\\\xc3", Errc::syntax}, {label + "a.b", Errc::limit}, {longest + "a", Errc::limit},
                                 {std::string(1'000'000, 'a'), Errc::limit}}) {
    const auto name = Name::parse(in);
    ASSERT_FALSE(name) << in;
    EXPECT_EQ(name.error().code, code) << in;
  }
}

TEST(Name, IsReadFromRdataWithCare) {
  using std::string_literals::operator""s;
  for (const auto& bad : {""s, "\x01"s, "\x01" "a"s, "\x03" "ab"s, "\xc0\x0c"s, "\x40" "a\0"s})
    EXPECT_FALSE([&] {
      std::string_view in = bad;
      return Name::take_wire(in);
    }());
  std::string too_long;
  for (int i = 0; i < 128; ++i) too_long += "\x01" "a";
  too_long += '\0';
  std::string_view in = too_long;
  EXPECT_FALSE(Name::take_wire(in));
  const std::string two = "\x01" "a\0\x01" "b\0"s;
  in = two;
  EXPECT_EQ(Name::take_wire(in)->text(), "a");
  EXPECT_EQ(Name::take_wire(in)->text(), "b");
}

TEST(Name, KnowsItsRelations) {
  const auto name = *Name::parse("a.b\\.c.example");
  EXPECT_EQ(name.parent().text(), "b\\.c.example");
  EXPECT_EQ(name.parent().parent().text(), "example");
  EXPECT_TRUE(name.parent().parent().parent().is_root());
  EXPECT_TRUE(Name().parent().is_root());
  for (const auto& [ancestor, is] : {std::pair{"example", true}, {"b\\.c.example", true}, {"a.b\\.c.example", true}, {".", true},
                                     {"c.example", false}, {"ample", false}, {"x.a.b\\.c.example", false}, {"other", false}})
    EXPECT_EQ(name.is_at_or_below(*Name::parse(ancestor)), is) << ancestor;
  EXPECT_EQ(Name::parse("mx.example")->below("_25._tcp")->text(), "_25._tcp.mx.example");
  EXPECT_EQ(Name().below("example")->text(), "example");
  EXPECT_EQ(Name::parse(std::string(63, 'a'))->below(std::string(64, 'b')).error().code, Errc::limit);
}

TEST(Name, KnowsWhatAHostMayBeCalled) {
  for (const char* good : {"mx", "mx1.example.org", "3com.example", "xn--bcher-kva.example", "my_host.example", "1.2.3.4.example"})
    EXPECT_TRUE(Name::parse(good)->is_host_name()) << good;
  for (const char* bad : {".", "192.0.2.1", "-a.example", "a-.example", "a\\.b.example", "a b.example", "*.example", "2001:db8::1", "\\000.x"})
    EXPECT_FALSE(Name::parse(bad)->is_host_name()) << bad;
  EXPECT_EQ(Name::parse("192.0.2.1.")->as_address()->text(), "192.0.2.1");
  EXPECT_EQ(Name::parse("2001:db8::1")->as_address()->text(), "2001:db8::1");
  EXPECT_FALSE(Name::parse("mx.example")->as_address());
}

TEST(Name, OfAReverseLookup) {
  EXPECT_EQ(Name::reverse(*IpAddress::parse("192.0.2.10")).text(), "10.2.0.192.in-addr.arpa");
  EXPECT_EQ(Name::reverse(*IpAddress::parse("2001:db8::1")).text(),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Name, OfAMailDomain) {
  EXPECT_EQ(Name::from_domain("B\xc3\xbc" "cher.Example")->text(), "xn--bcher-kva.example");
  EXPECT_EQ(Name::from_domain("Example.ORG")->text(), "example.org");
  for (const char* bad : {"", ".", "a..b", "b\xff"}) EXPECT_FALSE(Name::from_domain(bad)) << bad;
}

}  // namespace
}  // namespace posthorn::dns
