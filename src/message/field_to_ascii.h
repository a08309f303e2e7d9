// A header field with 8-bit bytes in ASCII [RFC2047 5] [RFC2231 4].  The charset is UTF-8 when all of the value is, else
// unknown-8bit [RFC1428 3].
#pragma once

#include <string>
#include <string_view>

namespace posthorn::message {

struct AsciiField {
  std::string value;      // raw, as behind the colon: folding included, without the last line end
  bool is_usable = true;  // false: "?" stands in an address, a boundary or a type, and that is another one now
};

AsciiField field_to_ascii(std::string_view name, std::string_view raw_value);

}  // namespace posthorn::message
