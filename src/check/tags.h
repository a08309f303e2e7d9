// "v=DMARC1; p=none": lists of tags, as DKIM keys, DMARC and TLSRPT have them. [RFC6376 3.2]  Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace posthorn::check {

struct Tags {
  std::vector<std::pair<std::string, std::string>> all;  // names in lower case, values without the spaces around
  std::string_view value(std::string_view name) const;   // of the first; empty: none
  bool has(std::string_view name) const;
};
// Errc::syntax: a piece that is no tag, a tag that is there twice, or more than 50.
Result<Tags> parse_tags(std::string_view);

// Is it of this kind: "v=DMARC1" with spaces as they may be, and nothing or ";" behind?
bool is_version(std::string_view record, std::string_view version);

}  // namespace posthorn::check
