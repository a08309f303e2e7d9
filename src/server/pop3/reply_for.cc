#include "server/pop3/reply_for.h"

namespace posthorn::pop3 {

std::string_view reply_for(Errc code) {
  switch (code) {
    case Errc::denied:
      return "[AUTH] Wrong user name or password";
    case Errc::throttled:
      return "[SYS/TEMP] Too many wrong passwords, try again later";
    case Errc::not_found:
      return "It has been removed by another session";
    case Errc::no_space:
    case Errc::io:
    case Errc::busy:
    case Errc::timed_out:
    case Errc::closed:
    case Errc::cancelled:
      return "[SYS/TEMP] Temporary failure, try again later";
    case Errc::corrupt:
      return "[SYS/PERM] The stored message is damaged, tell the administrator";
    case Errc::too_large:
      return "Line too long";
    case Errc::syntax:
    case Errc::invalid:
    case Errc::exists:
    case Errc::limit:
    case Errc::over_quota:
    case Errc::unsupported:
      break;
  }
  return "[SYS/PERM] That did not work";
}

}  // namespace posthorn::pop3
