#include "blob/chunk.h"

#include <lz4.h>

#include "base/little_endian.h"
#include "blob/blob.h"
#include "crypto/digest.h"

namespace posthorn::blob {
namespace {

constexpr std::size_t kHeader = 10;
constexpr char kVersion = 2;
constexpr char kVersionWithoutKey = 1;
constexpr int kQuick = 16;  // LZ4's "acceleration"
enum ChunkFlag : unsigned char { kLast = 1, kLz4 = 2 };

}  // namespace

std::string encode_chunk(std::string_view key, std::string_view bytes, bool last, Packing packing) {
  std::string out;
  const int bound = LZ4_compressBound(static_cast<int>(bytes.size()));
  out.reserve(kHeader + static_cast<std::size_t>(bound));
  out.push_back(kVersion);
  out.push_back(static_cast<char>(last ? kLast : 0));
  put_le32(out, static_cast<std::uint32_t>(bytes.size()));
  put_le32(out, crypto::crc32c(bytes, crypto::crc32c(key)));
  out.resize(kHeader + static_cast<std::size_t>(bound));
  const int packed = LZ4_compress_fast(bytes.data(), out.data() + kHeader, static_cast<int>(bytes.size()), bound,
                                       packing == Packing::quickly ? kQuick : 1);
  if (packed > 0 && static_cast<std::size_t>(packed) < bytes.size() - bytes.size() / 8) {
    out.resize(kHeader + static_cast<std::size_t>(packed));
    out[1] = static_cast<char>(out[1] | kLz4);
  } else {
    out.resize(kHeader);
    out.append(bytes);
  }
  return out;
}

Result<Chunk> decode_chunk(std::string_view key, std::string_view stored) {
  Chunk chunk;
  TRY(const auto head, append_chunk(chunk.bytes, key, stored));
  chunk.last = head.last;
  chunk.knows_key = head.knows_key;
  return chunk;
}

Result<ChunkHead> append_chunk(std::string& out, std::string_view key, std::string_view stored) {
  if (stored.size() < kHeader || (stored[0] != kVersion && stored[0] != kVersionWithoutKey))
    return fail(Errc::corrupt, "blob chunk: unknown version");
  const auto flags = static_cast<unsigned char>(stored[1]);
  const std::uint32_t length = get_le32(stored, 2);
  const std::string_view packed = stored.substr(kHeader);
  if (length > kChunkSize) return fail(Errc::corrupt, "blob chunk: impossible length");
  const std::size_t before = out.size();
  if (flags & kLz4) {
    out.resize(before + length);
    const int got = LZ4_decompress_safe(packed.data(), out.data() + before, static_cast<int>(packed.size()), static_cast<int>(length));
    if (got != static_cast<int>(length)) {
      out.resize(before);
      return fail(Errc::corrupt, "blob chunk: damaged");
    }
  } else {
    if (packed.size() != length) return fail(Errc::corrupt, "blob chunk: cut");
    out.append(packed);
  }
  const ChunkHead head{.last = (flags & kLast) != 0, .knows_key = stored[0] == kVersion};
  const auto checksum = crypto::crc32c(std::string_view(out).substr(before), head.knows_key ? crypto::crc32c(key) : 0);
  if (checksum != get_le32(stored, 6)) {
    out.resize(before);
    return fail(Errc::corrupt, "blob chunk: checksum");
  }
  return head;
}

}  // namespace posthorn::blob
