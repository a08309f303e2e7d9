#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace posthorn {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::syntax: return "syntax";
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not found";
    case Errc::exists: return "exists";
    case Errc::denied: return "denied";
    case Errc::throttled: return "throttled";
    case Errc::too_large: return "too large";
    case Errc::limit: return "limit";
    case Errc::over_quota: return "over quota";
    case Errc::no_space: return "no space";
    case Errc::busy: return "busy";
    case Errc::io: return "io";
    case Errc::corrupt: return "corrupt";
    case Errc::closed: return "closed";
    case Errc::timed_out: return "timed out";
    case Errc::cancelled: return "cancelled";
    case Errc::unsupported: return "unsupported";
  }
  return "unknown";
}

void check_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, what);
  std::abort();
}

}  // namespace posthorn
