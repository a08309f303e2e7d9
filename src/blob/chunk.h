// One chunk of a blob as it is stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::blob {

// Stored form: u8 version (2), u8 flags (1: last chunk, 2: LZ4), u32 length of the bytes, u32 CRC-32C of the key and the bytes (both
// little endian), then the bytes or their LZ4 block.  Version 1: the checksum is of the bytes alone.
struct Chunk {
  std::string bytes;
  bool last = false;
  bool knows_key = false;  // version 2: bytes of another key do not pass for these
};
// How much time is taken for making it small.  Of real mail: well, 470 MB/s to 48 %; quickly, 1150 MB/s to 70 %.
enum class Packing : std::uint8_t { well, quickly };
std::string encode_chunk(std::string_view key, std::string_view bytes, bool last, Packing = Packing::well);
// corrupt: wrong version, length or checksum.
Result<Chunk> decode_chunk(std::string_view key, std::string_view stored);

// The same, its bytes behind those of `out`, which stays as it was after an error.
struct ChunkHead {
  bool last = false;
  bool knows_key = false;
};
Result<ChunkHead> append_chunk(std::string& out, std::string_view key, std::string_view stored);

}  // namespace posthorn::blob
