// One chunk of a blob as it is stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::blob {

// Stored form: u8 version (1), u8 flags (1: last chunk, 2: LZ4), u32 length of the bytes, u32 CRC-32C of the bytes (both little
// endian), then the bytes or their LZ4 block.
struct Chunk {
  std::string bytes;
  bool last = false;
};
std::string encode_chunk(std::string_view bytes, bool last);
// corrupt: wrong version, length or checksum.
Result<Chunk> decode_chunk(std::string_view stored);

}  // namespace posthorn::blob
