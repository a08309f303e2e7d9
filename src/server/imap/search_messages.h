// The last resort of a search: reading messages.
#pragma once

#include "server/imap/search_run.h"

namespace posthorn::imap {

// Adds those of `open` that match to `found`.  A message that is gone, or damaged, does not match.
Task<Result<void>> search_messages(const SearchPlace&, const SearchProgram&, const StillWorking&, const IndexBits& open,
                                   IndexBits& found);

}  // namespace posthorn::imap
