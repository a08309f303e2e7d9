#include "check/xml_reader.h"

#include <gtest/gtest.h>

namespace posthorn::check {
namespace {

TEST(XmlReader, ElementsAttributesAndText) {
  const auto root = parse_xml(
      "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a <comment> -->\n<a x='1' y = \"&lt;&#x41;&#66;&amp;\">\n one<b/><!--x--> two"
      "<b><![CDATA[<raw>&amp;]]></b ></a>\n<?end?>\n");
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(root->name, "a");
  EXPECT_EQ(root->attribute("x"), "1");
  EXPECT_EQ(root->attribute("y"), "<AB&");
  EXPECT_EQ(root->attribute("z"), "");
  EXPECT_EQ(root->text, "one two");
  ASSERT_EQ(root->children.size(), 2u);
  EXPECT_EQ(root->children[1].text, "<raw>&amp;");
  EXPECT_EQ(root->child("b"), root->children.data());
  EXPECT_EQ(root->child("c"), nullptr);
}

TEST(XmlReader, RefusesWhatIsDamagedOrDangerous) {
  for (const char* text : {"",
                           "x",
                           "<",
                           "<a",
                           "<a>",
                           "<a></b>",
                           "<a/>x",
                           "<a/><b/>",
                           "<a x/>",
                           "<a x=1/>",
                           "<a x='<'/>",
                           "<a x='1/>",
                           "<a>&</a>",
                           "<a>&nbsp;</a>",
                           "<a>&#0;</a>",
                           "<a>&#xd800;</a>",
                           "<a>&#x110000;</a>",
                           "<a>&#99999999999;</a>",
                           "<a>&#;</a>",
                           "<a>&#x;</a>",
                           "<a>\xff</a>",
                           "<a><!-- </a>",
                           "<a><![CDATA[</a>",
                           "<!DOCTYPE a><a/>",
                           "<!DOCTYPE a [<!ENTITY b \"b\">]><a>&b;</a>",
                           "<a><!ENTITY b 'b'></a>",
                           "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
                           "<a>&b;</a>"})
    EXPECT_EQ(parse_xml(text).error().code, Errc::syntax) << text;
}

TEST(XmlReader, IsBounded) {
  const auto nested = [](std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += "<a>";
    for (std::size_t i = 0; i < n; ++i) out += "</a>";
    return out;
  };
  EXPECT_TRUE(parse_xml(nested(XmlLimits::kDepth)));
  EXPECT_EQ(parse_xml(nested(XmlLimits::kDepth + 1)).error().code, Errc::limit);
  std::string many = "<a>", attributes = "<a";
  for (std::size_t i = 0; i < XmlLimits::kElements; ++i) many += "<b/>";
  EXPECT_EQ(parse_xml(many + "</a>").error().code, Errc::limit);
  for (std::size_t i = 0; i <= XmlLimits::kAttributes; ++i) attributes += " x='1'";
  EXPECT_EQ(parse_xml(attributes + "/>").error().code, Errc::limit);
  EXPECT_EQ(parse_xml("<a>" + std::string(XmlLimits::kDocument, 'x') + "</a>").error().code, Errc::too_large);
  EXPECT_EQ(parse_xml("<" + std::string(1000, 'x') + "/>").error().code, Errc::syntax);
}

}  // namespace
}  // namespace posthorn::check
