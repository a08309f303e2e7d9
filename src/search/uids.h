// UIDs of rows: runs of consecutive ones, as in docs/formats/search.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/codec.h"
#include "store/view.h"

namespace posthorn::search {

void put_uids(std::string& out, const std::vector<Uid>& ascending);
// So many.  Errc::corrupt.
Result<std::vector<Uid>> take_uids(store::RowReader& in, std::uint32_t count);

// Are the entries of the view from this index on just these UIDs?  Quick where nothing was expunged; false may also mean "not that simple".
inline bool is_run_of(const store::View& view, std::uint32_t index, const std::vector<Uid>& uids) {
  const auto count = static_cast<std::uint32_t>(uids.size());
  return count > 0 && uids.back().value() - uids.front().value() == count - 1 && index + count <= view.size() &&
         view.at(index).uid == uids.front() && view.at(index + count - 1).uid == uids.back();
}

}  // namespace posthorn::search
