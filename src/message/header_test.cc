#include "message/header.h"

#include <gtest/gtest.h>

#include "message/compose.h"

namespace posthorn::message {
namespace {

constexpr std::string_view kBlock =
    "junk line\r\nSubject: one\r\n two\r\nX-Empty:\r\nTo : a@b\r\nsubject:three\r\n\tfour\r\nX: "
    "last\r\n\r\nSubject: body\r\n";

TEST(Header, Iterates) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  for (const HeaderField& f : HeaderView(kBlock)) {
    fields.emplace_back(f.name, f.value);
    EXPECT_EQ(kBlock.substr(f.offset, f.whole.size()), f.whole);
  }
  const decltype(fields) expected = {{"", "junk line"}, {"Subject", " one\r\n two"},    {"X-Empty", ""},
                                     {"To", " a@b"},    {"subject", "three\r\n\tfour"}, {"X", " last"}};
  EXPECT_EQ(fields, expected);
  EXPECT_EQ(HeaderView(kBlock).find("SUBJECT")->value, " one\r\n two");
  EXPECT_EQ(HeaderView(kBlock).find_all("subject").size(), 2U);
  EXPECT_FALSE(HeaderView(kBlock).find("cc"));
  EXPECT_FALSE(HeaderView("").find("x"));
  EXPECT_EQ(HeaderView("x: y").find("x")->whole, "x: y");
}

TEST(Header, Unfolds) {
  const std::pair<std::string_view, std::string_view> cases[] = {{" one\r\n two ", "one two"},
                                                                 {"one\n\ttwo", "one two"},
                                                                 {"one\r\n\t two\tthree", "one  two\tthree"},
                                                                 {"a\rb", "a b"},
                                                                 {"a\nb", "a b"},
                                                                 {"\r\n \r\n x\r\n", "x"},
                                                                 {"", ""}};
  for (const auto& [in, out] : cases) EXPECT_EQ(unfold(in), out);
  EXPECT_EQ(unfold(std::string_view("a\0b", 3)), "a b");
}

// [RFC3501 6.4.5] Byte exact, in the order of the message, with the empty line.
TEST(Header, SelectsFields) {
  struct Case {
    std::vector<std::string> names;
    Select select;
    std::string_view block, out;
  };
  const Case cases[] = {
      {{"SUBJECT"}, Select::listed, kBlock, "Subject: one\r\n two\r\nsubject:three\r\n\tfour\r\n\r\n"},
      {{"x", "to"}, Select::listed, kBlock, "To : a@b\r\nX: last\r\n\r\n"},
      {{"subject", "x-empty"}, Select::not_listed, kBlock, "junk line\r\nTo : a@b\r\nX: last\r\n\r\n"},
      {{"absent"}, Select::listed, kBlock, "\r\n"},
      {{}, Select::listed, kBlock, "\r\n"},
      {{"x"}, Select::listed, "", "\r\n"},
      {{"x"}, Select::listed, "x: y", "x: y\r\n\r\n"},
      {{"x"},
       Select::not_listed,
       " folded first\r\n again\r\nx: y\r\n\r\n",
       " folded first\r\n again\r\n\r\n"},
      {{"x"}, Select::listed, "x: y\n z\na: b\n\n", "x: y\n z\n\r\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(select_header_fields(c.block, c.names, c.select), c.out);
    for (std::size_t cut = 0; cut <= c.block.size(); ++cut) {
      HeaderSelector selector(c.names, c.select);
      std::string out;
      selector.feed(c.block.substr(0, cut), out);
      selector.feed(c.block.substr(cut), out);
      selector.finish(out);
      EXPECT_EQ(out, c.out) << "cut at " << cut;
    }
  }
}

TEST(Compose, FoldsAndCannotBeBrokenOutOf) {
  auto field = [](std::string_view name, std::string_view value) {
    std::string out;
    put_header_field(out, name, value);
    return out;
  };
  EXPECT_EQ(field("Subject", "short"), "Subject: short\r\n");
  EXPECT_EQ(field("X", ""), "X:\r\n");
  EXPECT_EQ(field("Received", "from a\nby b"), "Received: from a\r\n\tby b\r\n");
  EXPECT_EQ(field("Subject", "a\r\nBcc: evil\r\n\r\nbody"), "Subject: a\r\n\tBcc: evil\r\n\tbody\r\n");
  EXPECT_EQ(field("Subject", " \n \n x"), "Subject: x\r\n");
  const std::string lines =
      field("Subject",
            "word word word word word word word word word word word word word word word word word word word");
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find("\r\n", at);
    EXPECT_LE(end - at, 78U);
    at = end + 2;
  }
  EXPECT_EQ(unfold(HeaderView(lines).find("subject")->value).find("\r"), std::string::npos);
}

TEST(Compose, Quotes) {
  EXPECT_EQ(quote_if_needed("john.doe"), "john.doe");
  EXPECT_EQ(quote_if_needed("john doe"), "\"john doe\"");
  EXPECT_EQ(quote_if_needed("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quote_if_needed(""), "\"\"");
  EXPECT_EQ(quote_if_needed(".x"), "\".x\"");
  EXPECT_EQ(quote_if_needed("a\r\nb"), "\"a  b\"");
}

}  // namespace
}  // namespace posthorn::message
