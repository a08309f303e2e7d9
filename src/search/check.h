// `posthorn store check`: the checksums and the form of what is indexed.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "kv/store.h"
#include "base/ids.h"

namespace posthorn::search {

// What is wrong, at most 100 lines.  Damage costs time, not mail: the index is dropped and made anew when it is read.
Task<Result<std::vector<std::string>>> check_columns(kv::Store&, AccountId);

}  // namespace posthorn::search
