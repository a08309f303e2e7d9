#include "proto/smap/multi_line.h"

#include <algorithm>

namespace posthorn::smap {

void put_dot_stuffed(std::string& out, std::string_view words, std::string_view text) {
  out.append("{.").append(std::to_string(text.size())).append("} ").append(words).append("\n");
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('.')) out += '.';
    out.append(line).append("\n");
  }
  out += ".\n";
}

void BinaryReply::put(std::string& out, std::string_view chunk) {
  if (chunk.empty()) return;
  if (begun_) out.append(std::to_string(chunk.size())).append("\n");
  else out.append("{").append(std::to_string(chunk.size())).append("/").append(std::to_string(std::max<std::uint64_t>(total_, chunk.size()))).append("} ").append(words_).append("\n");
  begun_ = true;
  out += chunk;
}

void BinaryReply::finish(std::string& out) {
  if (begun_) out += '\n';
  else put_dot_stuffed(out, words_, {});
}

}  // namespace posthorn::smap
