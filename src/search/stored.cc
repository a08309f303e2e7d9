#include "search/stored.h"

#include <lz4.h>

#include "base/little_endian.h"
#include "crypto/digest.h"

namespace posthorn::search {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeader = 10;  // version, flags, length, checksum
constexpr char kLz4 = 1;

}  // namespace

std::string pack(std::string_view plain) {
  CHECK(plain.size() <= kMaxPlain);
  const int bound = LZ4_compressBound(static_cast<int>(plain.size()));
  std::string body(static_cast<std::size_t>(bound), '\0');
  const int packed = LZ4_compress_default(plain.data(), body.data(), static_cast<int>(plain.size()), bound);
  const bool pays = packed > 0 && static_cast<std::size_t>(packed) < plain.size() - plain.size() / 8;
  body.resize(pays ? static_cast<std::size_t>(packed) : 0);
  const std::string_view content = pays ? std::string_view(body) : plain;
  std::string out;
  out.reserve(kHeader + content.size());
  out.push_back(kVersion);
  out.push_back(pays ? kLz4 : '\0');
  put_le32(out, static_cast<std::uint32_t>(plain.size()));
  put_le32(out, crypto::crc32c(content));  // of what is stored: fewer bytes, and nothing unchecked is decompressed
  out.append(content);
  return out;
}

Result<std::string> unpack(std::string_view stored) {
  if (stored.size() < kHeader || stored[0] != kVersion) return fail(Errc::corrupt, "search index: unknown version");
  const std::uint32_t length = get_le32(stored, 2);
  const std::string_view content = stored.substr(kHeader);
  if (length > kMaxPlain || content.size() > kMaxPlain) return fail(Errc::corrupt, "search index: impossible length");
  if (crypto::crc32c(content) != get_le32(stored, 6)) return fail(Errc::corrupt, "search index: checksum");
  if (stored[1] != kLz4) {
    if (content.size() != length) return fail(Errc::corrupt, "search index: cut");
    return std::string(content);
  }
  std::string plain;
  plain.resize_and_overwrite(length, [&](char* data, std::size_t) {  // libstdc++ 12 may tell the capacity instead of the length
    const int got = LZ4_decompress_safe(content.data(), data, static_cast<int>(content.size()), static_cast<int>(length));
    return got == static_cast<int>(length) ? length : 0;
  });
  if (plain.size() != length) return fail(Errc::corrupt, "search index: damaged");
  return plain;
}

}  // namespace posthorn::search
