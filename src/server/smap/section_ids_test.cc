#include "server/smap/section_ids.h"

#include <gtest/gtest.h>

#include "message/parser.h"

namespace posthorn::smap {
namespace {

// The message of [SMAP1 6.3]
constexpr std::string_view kNested =
    "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
    "--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
    "--inner\r\n\r\none\r\n--inner\r\nContent-Type: text/html\r\n\r\ntwo\r\n--inner--\r\n"
    "--outer\r\nContent-Type: image/gif\r\n\r\nR0lG\r\n"
    "--outer\r\nContent-Type: message/rfc822\r\n\r\n"
    "Content-Type: multipart/mixed; boundary=deep\r\n\r\n--deep\r\n\r\na\r\n--deep\r\n\r\nb\r\n--deep--\r\n"
    "--outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: single\r\n\r\nbody\r\n"
    "--outer--\r\n";

message::Summary parse(std::string_view text) {
  message::Parser parser;
  parser.feed(text);
  return parser.finish();
}

TEST(SectionIds, ParentsBeforeChildren) {
  const auto summary = parse(kNested);
  const std::vector<std::string> expected = {"1",   "1.1",   "1.1.1",   "1.1.2",   "1.2", "1.3",
                                             "1.3.0", "1.3.0.1", "1.3.0.2", "1.4", "1.4.0"};
  ASSERT_EQ(summary.parts.size(), expected.size());
  for (message::PartIndex i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(SectionIds(summary).of(i), expected[i]);
    EXPECT_EQ(find_section(summary, expected[i]), i) << expected[i];
  }
  EXPECT_EQ(find_section(summary, ""), 0u);
}

TEST(SectionIds, NothingElse) {
  const auto summary = parse(kNested);
  for (const auto* id : {"0", "2", "1.", "1..1", "1.0", "1.5", "1.3.1", "1.1.0", "1.01", "1.+1", "1.-1", " 1", "1 ", "1.1x", "11", "1.99999999999",
                         "1.3.0.0", "1.2.1", ".", "x", "1.4294967297"})
    EXPECT_EQ(find_section(summary, id), message::kNoPart) << id;
}

}  // namespace
}  // namespace posthorn::smap
