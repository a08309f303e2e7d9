// The frame of every stored value: version, checksum, compression.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::search {

constexpr std::size_t kMaxPlain = 64 << 20;  // a longer value is refused

std::string pack(std::string_view plain);
// Errc::corrupt: unknown version, damaged, or longer than kMaxPlain.
Result<std::string> unpack(std::string_view stored);

}  // namespace posthorn::search
