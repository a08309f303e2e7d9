// Undoing Content-Transfer-Encoding. [RFC2045 6] [RFC3516 4]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "message/summary.h"
#include "text/base64.h"
#include "text/quoted_printable.h"

namespace posthorn::message {

// Streaming; any chunking gives the same bytes.
class TransferDecoder {
 public:
  // nullopt: an encoding we do not know.  Multiparts and messages have none, whatever they say [RFC2045 6.4].
  static std::optional<TransferDecoder> of(const Part&);

  bool is_identity() const { return encoding_ == Encoding::identity; }
  void feed(std::string_view in, std::string& out);  // appends to out
  void finish(std::string& out);

 private:
  enum class Encoding { identity, base64, quoted_printable };
  explicit TransferDecoder(Encoding e) : encoding_(e) {}

  Encoding encoding_;
  text::Base64Decoder base64_;
  text::QuotedPrintableDecoder quoted_printable_;
};

}  // namespace posthorn::message
