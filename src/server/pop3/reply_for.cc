#include "server/pop3/reply_for.h"

namespace posthorn::pop3 {

Reply reply_for(Errc code) {
  switch (code) {
    case Errc::denied: return {"[AUTH]", Text::wrong_password};
    case Errc::throttled: return {"[SYS/TEMP]", Text::throttled};
    case Errc::not_found: return {"", Text::removed_by_another};
    case Errc::no_space:
    case Errc::io:
    case Errc::busy:
    case Errc::timed_out:
    case Errc::closed:
    case Errc::cancelled: return {"[SYS/TEMP]", Text::temporary};
    case Errc::corrupt: return {"[SYS/PERM]", Text::damaged};
    case Errc::too_large: return {"", Text::line_too_long};
    case Errc::syntax:
    case Errc::invalid:
    case Errc::exists:
    case Errc::limit:
    case Errc::over_quota:
    case Errc::unsupported: break;
  }
  return {"[SYS/PERM]", Text::failed};
}

Text text_for(CommandError error) {
  switch (error) {
    case CommandError::line_too_long: return Text::line_too_long;
    case CommandError::control_character: return Text::control_character;
    case CommandError::unknown_command: return Text::unknown_command;
    case CommandError::no_argument_allowed: return Text::no_argument_allowed;
    case CommandError::bad_message_number: return Text::bad_message_number;
    case CommandError::bad_top: return Text::bad_top;
    case CommandError::name_missing: return Text::name_missing;
    case CommandError::password_missing: return Text::password_missing;
    case CommandError::bad_apop: return Text::bad_apop;
    case CommandError::bad_auth: return Text::bad_auth;
    case CommandError::bad_language_range: return Text::unknown_language;
  }
  return Text::failed;
}

}  // namespace posthorn::pop3
