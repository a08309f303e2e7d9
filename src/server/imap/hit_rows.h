// The rows of a column for the messages a search has found.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "search/column.h"
#include "search/run.h"

namespace posthorn::imap {

using search::SearchPlace;
using search::StillWorking;

// Row of hit i; empty when the message has gone.  Called on a worker, one call at a time, in order.
using TakeRow = std::function<void(std::size_t i, std::string_view row)>;

// hits: ascending indexes of the view.  Everything referred to outlives the task.
// REQUIRES: column is sent, base_subject, addresses or references.
Task<Result<void>> for_each_row(const SearchPlace&, search::Column column, const std::vector<std::uint32_t>& hits, const StillWorking&,
                                const TakeRow&);

}  // namespace posthorn::imap
