// Multi-line replies. [SMAP1 2.3 - 2.5]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace posthorn::smap {

// "{.n} words", the lines of `text` with their dots doubled, and the lone dot.  Lines end with LF or CRLF, and go out with LF; the last one
// may lack its end.
void put_dot_stuffed(std::string& out, std::string_view words, std::string_view text);

// The binary form, chunk by chunk.  Nothing at all becomes the dot-stuffed form of nothing [SMAP1 2.5].
class BinaryReply {
 public:
  // `words` follow the sizes; `total` is told as an estimate.
  BinaryReply(std::string words, std::uint64_t total) : words_(std::move(words)), total_(total) {}
  // One chunk; an empty one is none.
  void put(std::string& out, std::string_view chunk);
  void finish(std::string& out);

 private:
  std::string words_;
  std::uint64_t total_;
  bool begun_ = false;
};

}  // namespace posthorn::smap
