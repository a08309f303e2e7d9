// One header block made fit for a host: 8-bit bytes encoded, lines folded, its Content-Transfer-Encoding another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::message {

struct HeaderChange {
  std::string_view label;     // Content-Transfer-Encoding to be; empty: stays as it is
  bool is_of_message = true;  // not of a body part: a label needs MIME-Version beside it [RFC2045 4]
  bool to_ascii = false;
  std::size_t line = 0;  // longest line in bytes, 0: any
};

// Lines end with CRLF then, and NUL and CR alone become blanks.  Fields that need nothing else keep their bytes.
std::string rewrite_header(std::string_view header, const HeaderChange& change);

// Whether to_ascii loses nothing that matters: no 8-bit bytes in addresses, content types and boundaries.
// In the other places that have no way to encode them (identifiers, trace fields, what is no field) they become "?".
bool can_be_ascii(std::string_view header);

// The longest of the lines that can be folded: where they have white space inside.
std::uint64_t longest_foldable_line(std::string_view header);

}  // namespace posthorn::message
