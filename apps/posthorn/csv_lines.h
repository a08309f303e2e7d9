// Files of comma-separated values. [RFC4180 2]
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace posthorn {

// The lines of a file ("-": standard input) with their numbers and fields, but for those that are empty, begin with "#", or are the first and begin with "source,".
// Fields may stand in double quotes, doubled inside; none goes over the end of a line.  syntax: with the line's number; limit: a line is longer than
// 8 KiB; not_found, io.
Result<std::vector<std::pair<std::size_t, std::vector<std::string>>>> read_csv_lines(const std::string& file);

}  // namespace posthorn
