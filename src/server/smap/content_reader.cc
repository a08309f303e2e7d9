#include "server/smap/content_reader.h"

#include <algorithm>

#include "blob/blob.h"

namespace posthorn::smap {

// Small ranges lie beside each other, headers of parts for one: it reads ahead.
Task<Result<std::string_view>> ContentReader::take(message::Range& range) {
  if (range.offset < window_offset_ || range.offset >= window_offset_ + window_.size()) {
    const auto left = size_ > range.offset ? size_ - range.offset : 0;
    CO_TRY(window_, co_await account_.read(message_, range.offset, std::min<std::uint64_t>(left, blob::kChunkSize)));
    window_offset_ = range.offset;
    if (window_.empty()) co_return fail(Errc::corrupt, "the message is shorter than its summary says");
  }
  const auto piece = std::string_view(window_).substr(range.offset - window_offset_, range.size);
  range.offset += piece.size();
  range.size -= piece.size();
  co_return piece;
}

}  // namespace posthorn::smap
