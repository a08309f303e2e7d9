// However a server's bytes are cut: the same events, within the limits, and no progress without input; what its replies say is taken or refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/smap/reply.h"
#include "proto/smap/reply_reader.h"
#include "proto/smap/words.h"

namespace {

using namespace posthorn;
using Kind = smap::ReplyEvent::Kind;

void understand(const smap::ReplyEvent& event) {
  if (auto fetch = smap::parse_fetch_reply(event.words)) {
    CHECK(fetch->number > 0 && (!fetch->uid || !fetch->uid->empty()));
    const auto number = smap::parse_content_number(event.words);
    CHECK(number && *number == fetch->number);
    auto twice = *fetch;
    twice.add(*fetch);
    CHECK(twice == *fetch);
  }
  if (const auto ranges = smap::parse_expunge_reply(event.words)) {
    std::uint64_t last = 0;
    for (const auto& [first, end] : *ranges) {
      CHECK(first > last && end >= first);
      last = end;
    }
  }
  if (const auto folder = smap::parse_list_reply(event.words)) CHECK(smap::is_text(folder->name) && !folder->name.empty());
  (void)smap::parse_exists_reply(event.words);
}

std::string read(std::string_view text, std::size_t piece) {
  constexpr smap::ReplyLimits kLimits{.line = 200, .content = 2000};
  smap::ReplyReader reader(kLimits);
  std::string out, content;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    auto in = text.substr(at, piece);
    for (;;) {
      const auto left = in.size();
      const auto event = reader.next(in);
      if (!event) return out + "error";  // how much of the content came before depends on where it was cut
      if (!*event) {
        CHECK(in.empty());
        break;
      }
      CHECK(in.size() < left);
      const auto& e = **event;
      content += e.bytes;
      CHECK(content.size() <= kLimits.content && (e.kind == Kind::content || e.bytes.empty()));
      if (e.kind == Kind::content) continue;
      understand(e);
      out += static_cast<char>('0' + static_cast<int>(e.kind)) + std::string(e.ok ? "+" : "-") + e.text;
      for (const auto& word : e.words) out += '[' + word + ']';
      if (e.kind == Kind::content_end) out += content;
      content.clear();
    }
  }
  return out + content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = read(text, size == 0 ? 1 : size);
  CHECK(read(text, 1) == whole);
  CHECK(read(text, 7) == whole);
  return 0;
}
