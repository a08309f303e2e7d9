#include "message/transfer_encoder.h"

#include <algorithm>

#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kBase64Bytes = 57;  // make 76 characters [RFC2045 6.8]
constexpr std::size_t kQuotedColumns = 75;  // and the "=" of a soft line break [RFC2045 6.7 rule 5]

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '='; }

}  // namespace

std::string_view name_of(TransferEncoder::Encoding encoding) {
  return encoding == TransferEncoder::Encoding::base64 ? "base64" : "quoted-printable";
}

void TransferEncoder::feed(std::string_view bytes, std::string& out) {
  encoding_ == Encoding::base64 ? feed_base64(bytes, out) : feed_quoted_printable(bytes, out);
}

void TransferEncoder::feed_base64(std::string_view bytes, std::string& out) {
  if (!held_.empty()) {
    const auto more = bytes.substr(0, kBase64Bytes - held_.size());
    held_ += more;
    bytes.remove_prefix(more.size());
    if (held_.size() < kBase64Bytes) return;
    put_base64_line(held_, out);
    held_.clear();
  }
  for (; bytes.size() >= kBase64Bytes; bytes.remove_prefix(kBase64Bytes)) put_base64_line(bytes.substr(0, kBase64Bytes), out);
  held_ = bytes;
}

// The line end stands before each line but the first: the one behind the last belongs to the delimiter that follows.
void TransferEncoder::put_base64_line(std::string_view bytes, std::string& out) {
  if (column_ != 0) out += "\r\n";
  column_ = 1;
  out += text::base64_encode(bytes);
}

// White space is held until it is known not to end a line, CR until it is known whether LF follows.
void TransferEncoder::feed_quoted_printable(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    if (held_.ends_with('\r') && c == '\n') {
      held_.pop_back();
      put_held(WhiteSpace::ends_line, out);
      out += "\r\n";
      column_ = 0;
      continue;
    }
    if (c == '\r' && !held_.ends_with('\r')) {
      held_ += c;
      continue;
    }
    put_held(WhiteSpace::inside_line, out);
    if (text::is_wsp(c) || c == '\r') {
      held_ = c;
    } else {
      put_quoted(c, !is_plain(c), out);
    }
  }
}

void TransferEncoder::put_held(WhiteSpace where, std::string& out) {
  for (const char c : held_) put_quoted(c, c == '\r' || where == WhiteSpace::ends_line, out);
  held_.clear();
}

// A "-" at the start of a line could make it a delimiter that was none before.
void TransferEncoder::put_quoted(char c, bool escape, std::string& out) {
  if (column_ + (escape ? 3 : 1) > kQuotedColumns) {
    out += "=\r\n";
    column_ = 0;
  }
  if (!escape && !(c == '-' && column_ == 0)) {
    out += c;
    ++column_;
    return;
  }
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.append({'=', kHex[byte >> 4], kHex[byte & 15]});
  column_ += 3;
}

void TransferEncoder::end_content(std::string& out) {
  if (encoding_ == Encoding::quoted_printable) {
    put_held(WhiteSpace::ends_line, out);
  } else if (!held_.empty()) {
    put_base64_line(held_, out);
    held_.clear();
  }
}

void TransferEncoder::finish(std::string& out) {
  end_content(out);
  column_ = 0;
}

void TransferEncoder::finish_line(std::string& out) {
  end_content(out);
  if (column_ != 0) out += encoding_ == Encoding::base64 ? "\r\n" : "=\r\n";
  column_ = 0;
}

}  // namespace posthorn::message
