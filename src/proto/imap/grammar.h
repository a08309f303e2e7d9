// The rules of [RFC3501 9] and its extensions that several files use. Internal to the parser; errors as in
// Cursor.
#pragma once

#include "proto/imap/command.h"
#include "proto/imap/cursor.h"
#include "proto/imap/parser.h"
#include "text/ascii.h"

namespace posthorn::imap {

// A keyword of the grammar, written in any case.
template <class T>
struct Named {
  std::string_view name;
  T value;
};
template <class T, std::size_t N>
const T* find_named(const Named<T> (&table)[N], std::string_view name) {
  for (const auto& entry : table)
    if (text::iequals(entry.name, name)) return &entry.value;
  return nullptr;
}

Result<std::string> take_tag(Cursor&, const ParserLimits&);
Result<std::string> take_mailbox(Cursor&, const ParserLimits&);
// A name as the client wrote it, or a pattern (wildcards stay as they are), to UTF-8.
Result<std::string> decode_mailbox(std::string_view written, const ParserLimits&);
Result<SequenceSet> take_sequence_set(Cursor&, const ParserLimits&);
Result<SequenceSet> take_known_set(Cursor&, const ParserLimits&);  // [RFC7162 7] without "*" and "$"
Result<FlagList> take_flag_list(Cursor&, const ParserLimits&);     // in parentheses
Result<FlagList> take_bare_flags(Cursor&, const ParserLimits&);    // flag *(SP flag)
Result<text::DateTime> take_date_time(Cursor&);
Result<std::uint16_t> take_status_items(Cursor&);  // "(" status-att *(SP status-att) ")", bits of StatusItem
Result<ResultRange> take_result_range(Cursor&);    // [RFC9394 4] partial-range

// What stands behind the verb, with its space.
using Outcome = Result<AnyCommand>;

Outcome take_list(Cursor&, const ParserLimits&);  // list_parser.cc
Outcome take_lsub(Cursor&, const ParserLimits&);

Outcome take_select(Cursor&, const ParserLimits&);  // mailbox_parser.cc
Outcome take_examine(Cursor&, const ParserLimits&);
Outcome take_create(Cursor&, const ParserLimits&);
Outcome take_rename(Cursor&, const ParserLimits&);
Outcome take_status(Cursor&, const ParserLimits&);

Outcome take_set_acl(Cursor&, const ParserLimits&);  // acl_parser.cc
Outcome take_delete_acl(Cursor&, const ParserLimits&);
Outcome take_list_rights(Cursor&, const ParserLimits&);
Outcome take_get_quota(Cursor&, const ParserLimits&);
Outcome take_set_quota(Cursor&, const ParserLimits&);

Outcome take_search(Cursor&, const ParserLimits&);  // search_parser.cc
Outcome take_sort(Cursor&, const ParserLimits&);
Outcome take_thread(Cursor&, const ParserLimits&);
Result<SearchKey> take_search_keys(Cursor&, const ParserLimits&);  // search_key_parser.cc

Outcome take_fetch(Cursor&, const ParserLimits&);  // fetch_parser.cc
Outcome take_uid_fetch(Cursor&, const ParserLimits&);

Outcome take_store(Cursor&, const ParserLimits&);  // message_parser.cc
Outcome take_copy(Cursor&, const ParserLimits&);
Outcome take_move(Cursor&, const ParserLimits&);
Outcome take_uid_expunge(Cursor&, const ParserLimits&);

}  // namespace posthorn::imap
