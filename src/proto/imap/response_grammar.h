// The rules of responses that several files use. Internal to the parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/imap/cursor.h"
#include "proto/imap/response.h"

namespace posthorn::imap {

using Parsed = Result<Response>;

std::string upper(std::string_view);
// What stands up to the next space, parenthesis or the end; quoted strings in it are passed over.  Errors: it is empty.
Result<std::string_view> take_word_of_server(Cursor&);
// Words with spaces between, to the end: capabilities.
std::vector<std::string> take_upper_words(Cursor&, const ResponseLimits&);
Result<FlagList> take_server_flags(Cursor&, const ResponseLimits&, bool* any_keyword = nullptr);  // in parentheses
Result<std::vector<NumberRange>> take_uid_ranges(Cursor&, const ResponseLimits&);                 // in the order in which they come
Result<NumberSet> take_numbers(Cursor&, const ResponseLimits&);
// One value of any kind: atom, string, list.  Its text is passed over.
Result<void> skip_value(Cursor&, const ResponseLimits&);
Result<std::optional<char>> take_delimiter(Cursor&);
// A name in UTF-8, and as it came.
struct MailboxName { std::string utf8, as_sent; };
Result<MailboxName> take_mailbox_name(Cursor&, const ResponseLimits&);
MailboxName decode_mailbox_name(std::string as_sent, const ResponseLimits&);

Result<ResponseCode> parse_response_code(std::string_view inside, const ResponseLimits&);  // response_code_parser.cc
Parsed take_fetch_response(Cursor&, std::uint32_t number, const ResponseLimits&);          // fetch_response_parser.cc
Parsed take_list_response(Cursor&, bool lsub, const ResponseLimits&);                      // mailbox_response_parser.cc
Parsed take_status_items_response(Cursor&, const ResponseLimits&);
Parsed take_namespace_response(Cursor&, const ResponseLimits&);

}  // namespace posthorn::imap
