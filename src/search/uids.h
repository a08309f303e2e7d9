// UIDs of rows: runs of consecutive ones, as in docs/formats/search.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/codec.h"
#include "store/entry.h"

namespace posthorn::search {

void put_uids(std::string& out, const std::vector<Uid>& ascending);
// So many.  Errc::corrupt.
Result<std::vector<Uid>> take_uids(store::RowReader& in, std::uint32_t count);

}  // namespace posthorn::search
