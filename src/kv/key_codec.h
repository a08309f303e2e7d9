// How (space, partition, key) becomes one ordered byte string; and big-endian numbers, which order as numbers do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/space.h"

namespace posthorn::kv {

inline void put_be64(std::string& out, std::uint64_t v) {
  char b[8];
  for (int i = 0; i < 8; ++i) b[i] = static_cast<char>(v >> (56 - 8 * i));
  out.append(b, 8);
}
inline void put_be32(std::string& out, std::uint32_t v) {
  char b[4];
  for (int i = 0; i < 4; ++i) b[i] = static_cast<char>(v >> (24 - 8 * i));
  out.append(b, 4);
}
// REQUIRES: at least 8 (4) bytes.
inline std::uint64_t get_be64(std::string_view in) {
  std::uint64_t v = 0;
  for (int i = 0; i < 8; ++i) v = v << 8 | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  return v;
}
inline std::uint32_t get_be32(std::string_view in) {
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  return v;
}

constexpr std::size_t kKeyPrefix = 9;

inline std::string full_key(Space space, std::uint64_t partition, std::string_view key) {
  std::string out;
  out.reserve(kKeyPrefix + key.size());
  out.push_back(static_cast<char>(space));
  put_be64(out, partition);
  out.append(key);
  return out;
}

// The first key behind every key of the partition.
inline std::string partition_end(Space space, std::uint64_t partition) {
  std::string out;
  if (partition == ~std::uint64_t{0}) {
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(space) + 1));
    return out;
  }
  return full_key(space, partition + 1, {});
}

}  // namespace posthorn::kv
