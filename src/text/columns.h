// How much room text takes on a terminal.
#pragma once

#include <cstddef>
#include <string_view>

namespace posthorn::text {

// Columns of UTF-8 without control characters: 2 for what is wide or full-width in East Asia (UAX #11) and for emoji, 0 for what combines
// with the character before it, 1 for all else and for each malformed sequence.
std::size_t columns_of(std::string_view utf8);
// As many whole characters from the front as fit into so many columns.
std::string_view first_columns(std::string_view utf8, std::size_t columns);

}  // namespace posthorn::text
