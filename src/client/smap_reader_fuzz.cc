// However a server's bytes are cut: the same events, within the limits, and no progress without input.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/smap_reader.h"

namespace {

using namespace posthorn;

std::string read(std::string_view text, std::size_t piece) {
  client::SmapReader reader({.line = 200, .content = 2000});
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    auto in = text.substr(at, piece);
    for (;;) {
      const auto left = in.size();
      const auto event = reader.next(in);
      if (!event) return out + "error";
      if (!*event) {
        CHECK(in.empty());
        break;
      }
      CHECK(in.size() < left);
      const auto& e = **event;
      if (e.kind != client::SmapEvent::Kind::content) out += static_cast<char>('0' + static_cast<int>(e.kind)) + std::string(e.ok ? "+" : "-");
      out += e.text;
      for (const auto& word : e.words) out += '[' + word + ']';
      out += e.bytes;
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = read(text, size == 0 ? 1 : size);
  CHECK(read(text, 1) == whole);
  CHECK(read(text, 7) == whole);
  return 0;
}
