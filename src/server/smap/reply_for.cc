#include "server/smap/reply.h"

namespace posthorn::smap {

// The one place where failures become SMAP.  No default: the compiler asks for the new ones.
Reply reply_for(const Error& error) {
  switch (error.code) {
    case Errc::syntax: return err(error.text.empty() ? "Syntax error." : error.text);
    case Errc::invalid: return err("Invalid argument");
    case Errc::not_found: return err("No such folder, message or user");
    case Errc::exists: return err("It exists already");
    case Errc::denied: return err(error.text.empty() ? "Access denied" : error.text);
    case Errc::throttled: return err("Too many attempts, try again later");
    case Errc::too_large: return err("Too large");
    case Errc::limit: return err("A limit of this server is reached");
    case Errc::over_quota: return err("No space left: the account is full");
    case Errc::no_space: return err("The server is out of space, try again later");
    case Errc::busy: return err("In use, try again");
    case Errc::io: return err("Temporary failure, try again later");
    case Errc::corrupt: return err("Stored data is damaged");
    case Errc::closed:
    case Errc::timed_out:
    case Errc::cancelled: return err("Interrupted, try again");
    case Errc::unsupported: return err(error.text.empty() ? "Not supported" : error.text);
  }
  return err("Internal error");
}

Error needs_right(char right) { return {Errc::denied, std::string("Access denied: ACL \"") + right + "\" is required"}; }

}  // namespace posthorn::smap
