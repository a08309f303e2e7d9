// The rules of [RFC3501 9] that have files of their own. Internal to the parser; errors as in Cursor.
#pragma once

#include "proto/imap/command.h"
#include "proto/imap/cursor.h"
#include "proto/imap/parser.h"

namespace posthorn::imap {

Result<std::string> take_mailbox(Cursor&, const ParserLimits&);
Result<SequenceSet> take_sequence_set(Cursor&, const ParserLimits&);
Result<FlagList> take_flag_list(Cursor&, const ParserLimits&);   // in parentheses
Result<FlagList> take_bare_flags(Cursor&, const ParserLimits&);  // flag *(SP flag)
Result<text::DateTime> take_date_time(Cursor&);

Result<AnyCommand> take_search(Cursor&, const ParserLimits&);  // each begins behind the verb
Result<AnyCommand> take_fetch(Cursor&, const ParserLimits&);

}  // namespace posthorn::imap
