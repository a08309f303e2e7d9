// Files of comma-separated values. [RFC4180 2]
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace posthorn {

// One field: bare up to its comma or the end of the line, or in double quotes, doubled inside.  The comma stays.  nullopt: a quote that does
// not end, or something else than a comma behind it.
std::optional<std::string> take_csv_field(std::string_view& in);

// The lines of a file ("-": standard input) with their numbers and fields, but for those that are empty, begin with "#", or are the first and begin with "source,".
// Fields may stand in double quotes, doubled inside; none goes over the end of a line.  syntax: with the line's number; limit: a line is longer than
// 8 KiB; not_found, io.
Result<std::vector<std::pair<std::size_t, std::vector<std::string>>>> read_csv_lines(const std::string& file);

}  // namespace posthorn
