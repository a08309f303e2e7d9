// Header fields that clients ask for again and again, held in Column::fields.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "search/column.h"

namespace posthorn::search {

// Are all these fields (any case) in the column?  Then BODY[HEADER.FIELDS (names)] of the message is
// message::select_header_fields(row, names, Select::listed), byte for byte.
bool holds_fields(std::span<const std::string> names);

// The row of Column::fields for a message's header; nullopt: too long to be held.
std::optional<std::string> fields_row(std::string_view header);

// The row of a text column for a message's header: kValueMark and the value, for every field of that name.
// nullopt: too long to be held.  REQUIRES: field is from, to, cc, bcc or subject.
std::optional<std::string> text_row(std::string_view header, Column field);

// Column::from of "from" (lower case) and so on; nullopt: no column has that field.
std::optional<Column> text_column_of(std::string_view name);

}  // namespace posthorn::search
