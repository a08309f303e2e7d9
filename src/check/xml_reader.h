// A reader of small XML documents, as mail settings come in: elements, attributes, text.  No I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace posthorn::check {

// What a stranger may make us keep.
struct XmlLimits {
  static constexpr std::size_t kDocument = 256 << 10, kDepth = 32, kElements = 2000, kAttributes = 32;
};

struct XmlElement {
  std::string name;  // as it is written, with its prefix
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  // its own, all pieces put together, without the spaces around
  std::vector<XmlElement> children;

  const XmlElement* child(std::string_view name) const;  // the first; nullptr: there is none
  std::string_view attribute(std::string_view name) const;
};

// The root element.  Understood: comments, CDATA, processing instructions (passed over), the five entities of XML and characters by number.
// A document type is refused, and with it every other entity: nothing expands, nothing is fetched.  UTF-8 only; names are not checked
// further than needed to find their ends.  Errc::syntax, limit, too_large.
Result<XmlElement> parse_xml(std::string_view);

}  // namespace posthorn::check
