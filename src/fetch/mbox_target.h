// An mbox file as the place of fetched messages.
#pragma once

#include "fetch/target.h"

namespace posthorn::fetch {

// In mboxrd.  Messages are collected in a file beside the journal and appended together, so that the mbox is
// locked for as short as may be. INVARIANT: what a kill leaves in the middle of the mbox is cut off by the
// next run, and what was appended whole is known to be.  Only when
//            another program has rewritten the mbox between those two may a message be fetched again.
std::unique_ptr<Target> make_mbox_target(std::string path);

}  // namespace posthorn::fetch
