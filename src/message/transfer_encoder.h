// Content-Transfer-Encoding, written: the other direction of binary.h. [RFC2045 6.7] [RFC2045 6.8]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::message {

// 1. Decoding gives the same bytes.
// 2. Lines of at most 76 characters of ASCII, between them CRLF; none begins with "-", so none is a delimiter.
// 3. What was fed and ends with CRLF ends with CRLF in quoted-printable; base64 has none behind its last line. So
//    the line end that belongs to a following delimiter is the caller's.
// 4. The result does not depend on how the bytes are cut.
class TransferEncoder {
 public:
  enum class Encoding : std::uint8_t { quoted_printable, base64 };
  explicit TransferEncoder(Encoding encoding) : encoding_(encoding) {}

  void feed(std::string_view bytes, std::string& out);  // appends to out
  void finish(std::string& out);                        // ready for reuse
  // The same where nothing follows and the whole has to end with a line end: one that is not of the content.
  void finish_line(std::string& out);

 private:
  void feed_base64(std::string_view bytes, std::string& out);
  void feed_quoted_printable(std::string_view bytes, std::string& out);
  void put_base64_line(std::string_view bytes, std::string& out);
  enum class WhiteSpace : std::uint8_t { inside_line, ends_line };
  void put_held(WhiteSpace where, std::string& out);
  void put_quoted(char c, bool escape, std::string& out);
  void end_content(std::string& out);

  Encoding encoding_;
  std::string held_;        // base64: bytes that make no line yet; quoted-printable: a blank, or CR, or both
  std::size_t column_ = 0;  // of the line being written; base64: whether there was one
};

std::string_view name_of(TransferEncoder::Encoding);  // "quoted-printable", "base64"

}  // namespace posthorn::message
