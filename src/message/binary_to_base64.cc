#include "message/binary_to_base64.h"

#include <algorithm>

#include "message/header.h"
#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::message {
namespace {

constexpr std::uint64_t kLongestHeader = 1 << 20;  // parts with a longer one stay as they are
constexpr std::size_t kLineBytes = 57;             // 76 characters [RFC2045 6.8]

std::string relabelled(std::string_view header) {
  std::string out;
  std::size_t end = 0;
  for (const auto& field : HeaderView(header)) {
    end = field.offset + field.whole.size();
    if (text::iequals(field.name, "Content-Transfer-Encoding"))
      out += "Content-Transfer-Encoding: base64\r\n";
    else
      out += field.whole;
  }
  out += header.substr(end);
  return out;
}

}  // namespace

BinaryToBase64::BinaryToBase64(const Summary& summary) {
  for (const auto& part : summary.parts) {  // pre-order: ascending
    if (part.encoding != "binary" || part.is_multipart() || part.is_message()) continue;
    if (part.header.size > kLongestHeader) continue;
    regions_.push_back({part.header, true});
    regions_.push_back({part.body, false});
  }
}

void BinaryToBase64::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (next_ == regions_.size()) {
      out += bytes;
      return;
    }
    const auto& [range, is_header] = regions_[next_];
    if (position_ == range.offset + range.size) {
      end_region(out);
      continue;
    }
    const bool inside = position_ >= range.offset;
    const auto left = (inside ? range.offset + range.size : range.offset) - position_;
    const auto piece = bytes.substr(0, std::min<std::uint64_t>(left, bytes.size()));
    bytes.remove_prefix(piece.size());
    position_ += piece.size();
    if (!inside) {
      out += piece;
      continue;
    }
    held_ += piece;
    if (is_header) continue;
    std::size_t used = 0;
    for (; held_.size() - used >= kLineBytes; used += kLineBytes) put_line(std::string_view(held_).substr(used, kLineBytes), out);
    held_.erase(0, used);
  }
}

// The line end stands before each line but the first: the one behind the last belongs to the boundary that follows.
void BinaryToBase64::put_line(std::string_view bytes, std::string& out) {
  if (line_begun_) out += "\r\n";
  line_begun_ = true;
  out += text::base64_encode(bytes);
}

void BinaryToBase64::end_region(std::string& out) {
  if (regions_[next_].is_header)
    out += relabelled(held_);
  else if (!held_.empty())
    put_line(held_, out);
  held_.clear();
  line_begun_ = false;
  ++next_;
}

void BinaryToBase64::finish(std::string& out) {
  while (next_ < regions_.size()) {
    const bool at_last_line = line_begun_ || (!regions_[next_].is_header && !held_.empty());
    end_region(out);
    if (at_last_line) out += "\r\n";
  }
}

}  // namespace posthorn::message
