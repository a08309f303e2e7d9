// Which address of ours the system would connect from.
#pragma once

#include <string>

#include "net/listener.h"

namespace posthorn::net {

// Numeric; empty: nobody can say.  Sends nothing.
std::string usual_source(const Address& to);

}  // namespace posthorn::net
