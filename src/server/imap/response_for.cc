#include "server/imap/reply.h"

namespace posthorn::imap {

// The one place where failures become IMAP.  No default: the compiler asks for the new ones.
Reply response_for(const Error& error) {
  switch (error.code) {
    case Errc::syntax: return bad(error.text.empty() ? "Invalid argument" : error.text);  // our own texts only
    case Errc::invalid: return no("Not possible", "CANNOT");
    case Errc::not_found: return no("There is no such thing", "NONEXISTENT");
    case Errc::exists: return no("It exists already", "ALREADYEXISTS");
    case Errc::denied: return no("Not permitted", "NOPERM");
    case Errc::throttled: return no("Too many attempts, try again later", "UNAVAILABLE");
    case Errc::too_large: return no("Too large", "TOOBIG");
    case Errc::limit: return no("A limit of this server is reached", "LIMIT");
    case Errc::over_quota: return no("The account is full", "OVERQUOTA");
    case Errc::no_space: return no("The server is out of space, try again later", "UNAVAILABLE");
    case Errc::busy: return no("In use, try again", "INUSE");
    case Errc::io: return no("Temporary failure, try again later", "UNAVAILABLE");
    case Errc::corrupt: return no("Stored data is damaged", "CORRUPTION");
    case Errc::closed:
    case Errc::timed_out:
    case Errc::cancelled: return no("Interrupted, try again", "UNAVAILABLE");
    case Errc::unsupported: return no("Not supported", "CANNOT");
  }
  return no("Internal error", "SERVERBUG");
}

}  // namespace posthorn::imap
