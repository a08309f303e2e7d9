// Ids of the sections of a message. [SMAP1 6.3]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "message/summary.h"

namespace posthorn::smap {

// The message itself is "1"; child k of section x is x.k; the message inside a message/rfc822 section x is x.0, and its children x.0.k.
// Lives no longer than the summary.
class SectionIds {
 public:
  explicit SectionIds(const message::Summary&);
  // REQUIRES: the part is one of the summary.
  std::string of(message::PartIndex) const;

 private:
  const message::Summary& summary_;
  std::vector<std::uint32_t> numbers_;  // of each part among its siblings, from 1; the message inside a part is number 0
};

// "" is the message itself, as "1" is.  kNoPart: there is no such section.
message::PartIndex find_section(const message::Summary&, std::string_view id);

}  // namespace posthorn::smap
