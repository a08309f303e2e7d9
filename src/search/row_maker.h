// The row of a message in every column: for the indexer, and for reading what is not packed yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "search/column.h"

namespace posthorn::search {

// Columns of rows; the words are no such.
inline constexpr Column kRowColumns[] = {Column::summary, Column::fields,       Column::from,      Column::to,
                                         Column::cc,      Column::bcc,          Column::subject,   Column::sent,
                                         Column::base_subject, Column::addresses, Column::references};

// Made from the header bytes; the others from the summary.
bool is_from_header(Column);

// What a row is made from.
struct RowSource {
  std::string_view summary;                // encoded; for columns made from it
  std::optional<std::string_view> header;  // nullopt: too long to be looked at
};

// nullopt: not held.
std::optional<std::string> make_row(Column, const RowSource&);

// The top header at the start of a message, up to its empty line; nullopt when `start` is cut before that.
std::optional<std::string_view> header_at_start(std::string_view start, bool is_whole_message);

}  // namespace posthorn::search
