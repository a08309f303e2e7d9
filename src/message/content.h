// What the bytes of a message ask of a transport, and of which hosts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace posthorn::message {

// Ordered: who takes one takes those before it. [RFC2045 2.7] [RFC2045 2.8] [RFC2045 2.9]
enum class Content : std::uint8_t {
  seven_bit,  // lines of ASCII that end with CRLF
  eight_bit,  // the same with bytes above 127: a host needs 8BITMIME [RFC6152 3]
  binary,     // NUL, or CR or LF alone: a host needs BINARYMIME and CHUNKING [RFC3030 3]
};

// [RFC5321 4.5.3.1.6] of a line, in bytes without its CRLF
inline constexpr std::size_t kLineLimit = 998;

struct ContentOfBytes {
  Content content = Content::seven_bit;
  bool has_8bit = false;           // binary content may have such bytes or not
  std::uint64_t longest_line = 0;  // bytes without its line end
  std::uint64_t escapes = 0;       // bytes that take three in quoted-printable

  void add(const ContentOfBytes& other);
  friend bool operator==(const ContentOfBytes&, const ContentOfBytes&) = default;
};

// Fast enough to run at intake over every message, so that most of them are never looked at again.
// The result does not depend on how the bytes are cut.
class ContentMeter {
 public:
  void feed(std::string_view bytes);
  ContentOfBytes result() const;  // of what came so far, as if it ended here

 private:
  bool has_8bit_ = false, has_nul_ = false;
  std::uint64_t escapes_ = 0, longest_line_ = 0;
  std::uint64_t returns_ = 0, newlines_ = 0, pairs_ = 0;  // CR, LF, CRLF
  std::uint64_t line_ = 0;                                // bytes of the line so far
  bool ends_with_cr_ = false;
};

}  // namespace posthorn::message
