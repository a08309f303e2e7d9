// Base64 [RFC4648 4]: strict for SASL, lenient and incremental for MIME bodies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::text {

// With padding, without line ends.
std::string base64_encode(std::string_view bytes);

// Exactly the canonical form: whole groups of four, padding at the end only, unused bits zero, nothing else.
// Errc::syntax otherwise.  [RFC4954 4] and [RFC3501 6.2.2] ask for this.
Result<std::string> base64_decode(std::string_view encoded);

// MIME bodies [RFC2045 6.8]: bytes outside the alphabet are skipped, missing padding is tolerated, and data
// after padding is decoded as a new run (concatenated encodings occur in real mail).  Any chunking gives the
// same bytes.
class Base64Decoder {
 public:
  void feed(std::string_view in, std::string& out);  // appends to out
  void finish(std::string& out);  // appends what a missing padding held back; ready for reuse

 private:
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;  // sextets held in bits_, 0..3
};

}  // namespace posthorn::text
