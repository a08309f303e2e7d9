// The [[listen]] tables.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/report.h"

namespace posthorn::config {

// The listeners of `listen` that make sense; what does not is in the report.
std::vector<Listener> check_listeners(const Entry& listen, Report&);

}  // namespace posthorn::config
