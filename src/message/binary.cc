#include "message/binary.h"

namespace posthorn::message {

std::optional<TransferDecoder> TransferDecoder::of(const Part& part) {
  const std::string_view e = part.encoding;
  if (part.is_multipart() || part.is_message() || e.empty() || e == "7bit" || e == "8bit" || e == "binary")
    return TransferDecoder(Encoding::identity);
  if (e == "base64") return TransferDecoder(Encoding::base64);
  if (e == "quoted-printable") return TransferDecoder(Encoding::quoted_printable);
  return std::nullopt;
}

void TransferDecoder::feed(std::string_view in, std::string& out) {
  switch (encoding_) {
    case Encoding::identity: out += in; break;
    case Encoding::base64: base64_.feed(in, out); break;
    case Encoding::quoted_printable: quoted_printable_.feed(in, out); break;
  }
}

void TransferDecoder::finish(std::string& out) {
  if (encoding_ == Encoding::base64) base64_.finish(out);
  if (encoding_ == Encoding::quoted_printable) quoted_printable_.finish(out);
}

}  // namespace posthorn::message
