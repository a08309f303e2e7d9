// A page of entries as it is stored (docs/formats/store.md, "Page").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/entry.h"

namespace posthorn::store {

// With a checksum.  What neighbours have in common is stored once: a page of 512 takes some 4 KiB.  REQUIRES: at most 65,535 entries.
std::string encode_page(const std::vector<Entry>&);
// corrupt: any damage.
Result<std::vector<Entry>> decode_page(std::string_view);

}  // namespace posthorn::store
