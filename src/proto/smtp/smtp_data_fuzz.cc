// The decoder gives the same however the stream is cut, agrees with a naive one, and undoes the dot stuffer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "proto/dot_stuffer.h"
#include "proto/smtp/data_decoder.h"

using posthorn::proto::DotStuffer;
using posthorn::smtp::DataDecoder;

namespace {

struct Decoded {
  std::string text;
  std::size_t consumed = 0;
  bool done = false;
  bool bare_newline = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view stream, std::size_t step) {
  DataDecoder decoder;
  Decoded out;
  while (!stream.empty() && !decoder.done()) {
    auto chunk = stream.substr(0, step);
    const auto before = chunk.size();
    for (std::string_view piece; !(piece = decoder.next(chunk)).empty();) out.text += piece;
    stream.remove_prefix(before - chunk.size());
    out.consumed += before - chunk.size();
  }
  CHECK(decoder.size() == out.text.size());
  out.done = decoder.done();
  out.bare_newline = decoder.bare_newline();
  return out;
}

// [RFC5321 4.5.2] word for word, over the whole stream.
Decoded decode_naively(std::string_view s) {
  Decoded out;
  bool line_start = true;
  std::size_t i = 0;
  while (i < s.size()) {
    if (line_start && s.substr(i).starts_with(".\r\n")) {
      out.done = true;
      i += 3;
      break;
    }
    if (line_start && s[i] == '.') {
      line_start = false;
      ++i;
      if (s.substr(i) == "\r") ++i;  // may still become the end: held back
      continue;
    }
    if (s.substr(i).starts_with("\r\n")) {
      out.text += "\r\n";
      i += 2;
      line_start = true;
      continue;
    }
    const bool last_cr = s[i] == '\r' && i + 1 == s.size();
    if ((s[i] == '\r' && !last_cr) || s[i] == '\n') out.bare_newline = true;
    out.text += s[i++];
    line_start = false;
  }
  out.consumed = i;
  return out;
}

std::string stuff(std::string_view text, std::size_t step, DotStuffer::BareCr bare) {
  DotStuffer stuffer(bare);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
    stuffer.put(out, text.substr(0, step));
  out += stuffer.finish();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 16 + 1;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = decode(text, text.size() + 1);
  CHECK(whole == decode(text, step));
  CHECK(whole == decode(text, 1));
  CHECK(whole == decode_naively(text));

  for (auto bare : {DotStuffer::BareCr::keep, DotStuffer::BareCr::to_crlf}) {
    const auto stuffed = stuff(text, text.size() + 1, bare);
    CHECK(stuffed == stuff(text, step, bare));
    const auto back = decode(stuffed, stuffed.size());
    CHECK(back.done && back.consumed == stuffed.size());
    if (bare == DotStuffer::BareCr::to_crlf) CHECK(!back.bare_newline);
    if (!whole.bare_newline && text.ends_with("\r\n")) CHECK(back.text == text || whole.done);
  }
  return 0;
}
