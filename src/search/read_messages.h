// The last resort of a search: reading messages.
#pragma once

#include "search/run.h"

namespace posthorn::search {

// Adds those of `open` that match to `found`.  A message that is gone, or damaged, does not match.
Task<Result<void>> search_messages(const SearchPlace&, const SearchProgram&, const StillWorking&, const IndexBits& open,
                                   IndexBits& found);

}  // namespace posthorn::search
