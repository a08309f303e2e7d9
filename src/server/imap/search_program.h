// The keys of SEARCH as a program. [RFC3501 6.4.4]
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "proto/imap/command.h"
#include "search/program.h"
#include "server/imap/message_set.h"
#include "server/imap/selected.h"

namespace posthorn::imap {

using search::Cost;
using search::SearchNode;
using search::SearchOp;
using search::SearchProgram;

// Strings are taken from the charset of the search (empty: UTF-8 [RFC9051 6.4.4]) to the form in which text is compared [RFC5051].
// Errc::unsupported: unknown charset.
Result<SearchProgram> compile_search(const Search&, const Selected&, const store::MailboxState&, SysTime now);

// Does the key name messages by sequence numbers?  "$" stands for UIDs.
bool names_sequence_numbers(const SearchKey&);

}  // namespace posthorn::imap
