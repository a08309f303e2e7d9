#include "text/idna.h"

#include <gtest/gtest.h>

namespace posthorn::text {
namespace {

TEST(DomainToAscii, ConvertsWhatIdnaAllows) {
  for (const auto& [in, out] : {std::pair{"Bücher.Example", "xn--bcher-kva.example"},
                                {"bu\xcc\x88"
                                 "cher.example",
                                 "xn--bcher-kva.example"},                       // a combining mark: normalised
                                {"faß.de", "xn--fa-hia.de"},                    // not "fass"
                                {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
                                {"例え。テスト", "xn--r8jz45g.xn--zckzah"},        // the ideographic full stop is a dot
                                {"пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"},
                                {"xn--BCHER-kva.example", "xn--bcher-kva.example"},
                                {"_dmarc.EXAMPLE.org", "_dmarc.example.org"},
                                {"_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"},
                                {"example.org.", "example.org."},
                                {"", ""}}) {
    const auto made = domain_to_ascii(in);
    ASSERT_TRUE(made) << in << ": " << made.error().text;
    EXPECT_EQ(*made, out);
  }
}

TEST(DomainToAscii, RefusesWhatCannotBeADomain) {
  const std::string a_umlaut = "\xc3\xa4";
  std::string long_label, long_name;
  for (int i = 0; i < 64; ++i) long_label += a_umlaut;
  for (int i = 0; i < 100; ++i) long_name += "abc.";
  for (const auto& [in, code] : {std::pair<std::string, Errc>{"b\xfc" "cher.example", Errc::syntax},
                                 {"\xcc\x88" "a.example", Errc::syntax},                 // begins with a combining mark
                                 {"a\xe2\x80\x8d" "b.example", Errc::syntax},             // a joiner where it has no meaning
                                 {a_umlaut + "..example", Errc::syntax},
                                 {"xn--\xc3\xa4.example", Errc::syntax},
                                 {"a\xef\xbf\xbd.example", Errc::syntax},                 // U+FFFD
                                 {long_label + ".example", Errc::limit},
                                 {long_name + "example", Errc::limit},
                                 {std::string(64, 'a') + ".example", Errc::limit},
                                 {std::string(100'000, 'a'), Errc::limit}}) {
    const auto made = domain_to_ascii(in);
    ASSERT_FALSE(made) << in;
    EXPECT_EQ(made.error().code, code) << in << ": " << made.error().text;
  }
}

TEST(DomainToUnicode, ShowsOnlyWhatCanBeUndone) {
  for (const auto& [in, out] : {std::pair{"xn--bcher-kva.example", "bücher.example"}, {"XN--BCHER-KVA.Example.", "bücher.Example."},
                                {"xn--fa-hia.de", "faß.de"}, {"xn--a.example", "xn--a.example"}, {"xn--.example", "xn--.example"},
                                {"mail.example", "mail.example"}, {"", ""}, {".", "."}})
    EXPECT_EQ(domain_to_unicode(in), out) << in;
  const std::string lengthy = "xn--" + std::string(10'000, 'a') + ".example";
  EXPECT_EQ(domain_to_unicode(lengthy), lengthy);
}

}  // namespace
}  // namespace posthorn::text
