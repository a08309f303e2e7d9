#include "server/smtp/reply_for.h"

namespace posthorn::server {

using smtp::Reply;

// No `default:`, so that the compiler comes by here when a code is added.  The text of an Error is for the log, not for the client.
Reply reply_for(Errc code, About about) {
  const bool recipient = about == About::recipient, sign_in = about == About::sign_in;
  switch (code) {
    case Errc::syntax:  // of a message: bare CR or LF, see docs/decisions/0004-bare-newlines.md
      if (sign_in) return Reply(501, {5, 5, 2}, "Cannot decode that response");
      return Reply(550, {5, 6, 0}, "Message has a bare CR or LF; lines end with CRLF");
    case Errc::invalid:
      if (recipient) return Reply(550, {5, 1, 2}, "Not a domain of this server");
      if (sign_in) return Reply(535, {5, 7, 8}, "Authentication credentials invalid");
      return Reply(554, {5, 6, 0}, "Message not acceptable");
    case Errc::not_found:
      if (sign_in) return Reply(535, {5, 7, 8}, "Authentication credentials invalid");
      return Reply(550, {5, 1, 1}, "No such user here");
    case Errc::denied:
      if (sign_in) return Reply(535, {5, 7, 8}, "Authentication credentials invalid");
      return Reply(550, {5, 7, 1}, "Not permitted");
    case Errc::throttled:
      if (sign_in) return Reply(454, {4, 7, 0}, "Too many attempts, try again later");
      return Reply(451, {4, 7, 1}, "Too many attempts, try again later");
    case Errc::too_large: return Reply(552, {5, 3, 4}, "Message too big");
    case Errc::limit:
      if (recipient) return Reply(550, {5, 4, 6}, "That address leads in a circle, or to too many others");
      return Reply(554, {5, 4, 6}, "Too many hops, this message is in a loop");
    case Errc::over_quota: return Reply(452, {4, 2, 2}, "Mailbox full");
    case Errc::no_space: return Reply(452, {4, 3, 1}, "Not enough room here, try again later");
    case Errc::busy: return Reply(451, {4, 3, 2}, "Busy, try again later");
    case Errc::cancelled: return Reply(421, {4, 3, 2}, "Shutting down, try again later");
    case Errc::unsupported: return Reply(504, {5, 5, 4}, "Not implemented");
    case Errc::exists:
    case Errc::io:
    case Errc::corrupt:
    case Errc::closed:
    case Errc::timed_out: break;
  }
  if (sign_in) return Reply(454, {4, 7, 0}, "Temporary authentication failure");
  return Reply(451, {4, 3, 0}, "Temporary failure here, try again later");
}

}  // namespace posthorn::server
