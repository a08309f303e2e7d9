// The DKIM-Signature fields that a message has already, as far as who signs must know them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::mailauth::dkim {

struct PresentSignature {
  std::string domain, selector;  // d=, s=, in lower case
  std::string body_hash;         // bh=, in base64 without blanks
  friend bool operator==(const PresentSignature&, const PresentSignature&) = default;
};

// From the top of the header; no more than kMaxPresent are looked at.  What cannot be read is left out.
inline constexpr std::size_t kMaxPresent = 20;
std::vector<PresentSignature> find_signatures(std::string_view header);

// [RFC6376 3.2] The value of a tag, without white space; empty: there is none.
std::string tag_value(std::string_view tag_list, std::string_view tag);

}  // namespace posthorn::mailauth::dkim
