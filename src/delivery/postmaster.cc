#include "delivery/postmaster.h"

#include <algorithm>

#include "delivery/settings.h"

namespace posthorn::delivery {

std::string postmaster_of(auth::Directory& directory, const std::string& hostname) {
  if (!kPostmaster.get().empty()) return kPostmaster.get();
  const auto domains = directory.domains();
  const bool own = std::ranges::find(domains, hostname) != domains.end();
  return "postmaster@" + (own || domains.empty() ? hostname : *std::ranges::min_element(domains));
}

}  // namespace posthorn::delivery
