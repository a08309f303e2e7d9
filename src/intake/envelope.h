// Who a message is from and for. [RFC5321 2.3.1]
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"

namespace posthorn::smtp {

struct ForwardPath {
  std::string address;              // as it is written between < and >
  std::vector<AccountId> accounts;  // whom it leads to: at least one, all local
};

struct Envelope {
  std::string reverse_path;  // as it is written between < and >; empty: the null reverse-path
  std::vector<ForwardPath> forward_paths;
};

}  // namespace posthorn::smtp
