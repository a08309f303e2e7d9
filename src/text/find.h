// Finding bytes quickly: many at a time where the processor can.
#pragma once

#include <cstddef>
#include <string_view>

namespace posthorn::text {

// As haystack.find(needle, from), some times faster.
std::size_t find_bytes(std::string_view haystack, std::string_view needle, std::size_t from = 0);

// The same without regard to the case of ASCII letters.  REQUIRES: the needle has no lower-case ASCII letter.
std::size_t find_upper(std::string_view haystack, std::string_view needle, std::size_t from = 0);

}  // namespace posthorn::text
