// Random numbers fit for secrets.  Any thread.  The operating system not giving any is a CHECK.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace posthorn::crypto {

std::string random_bytes(std::size_t count);
std::uint64_t random_u64();

}  // namespace posthorn::crypto
