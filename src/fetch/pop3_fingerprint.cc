#include "fetch/pop3_fingerprint.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::fetch {
namespace {

constexpr std::size_t kDigest = 32;  // hexadecimal digits, half of SHA-256
constexpr std::size_t kMaxHeaderLine = 64 * 1024;

// A line with its end, or what there is of it.
std::string_view take_line(std::string_view& in) {
  const auto line = in.substr(0, std::min(in.find('\n'), in.size() - 1) + 1);
  in.remove_prefix(line.size());
  return line;
}

std::string digits(crypto::Sha256& digest) {
  return crypto::to_hex(crypto::view(digest.finish())).substr(0, kDigest);
}

}  // namespace

bool is_volatile(std::string_view header_line) {
  return text::istarts_with(header_line, "Status:") || text::istarts_with(header_line, "X-Status:") ||
         text::istarts_with(header_line, "X-UIDL:");
}

void Fingerprint::put(std::string_view piece) {
  while (in_header_ && !piece.empty()) {
    line_ += take_line(piece);
    if (line_.ends_with('\n') || line_.size() > kMaxHeaderLine) take_header_line();
  }
  if (!piece.empty()) put_body(piece);
}

void Fingerprint::take_header_line() {
  in_header_ = line_ != "\r\n" && line_ != "\n";
  if (!is_volatile(line_)) {
    head_.update(line_);
    whole_.update(line_);
  }
  line_.clear();
}

void Fingerprint::put_body(std::string_view piece) {
  whole_.update(piece);
  while (lines_ < kLines && !piece.empty()) {
    const auto line = take_line(piece);
    head_.update(line);
    if (line.ends_with('\n')) ++lines_;
  }
}

Fingerprint::Digests Fingerprint::finish() {
  if (!line_.empty()) take_header_line();
  in_header_ = true;
  lines_ = 0;
  return {.head = digits(head_), .whole = digits(whole_)};
}

std::string text_of(const Fingerprint::Digests& digests) {
  return digests.head + "/" + (digests.whole.empty() ? "-" : digests.whole);
}

Fingerprint::Digests parse_fingerprint(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto whole = text.substr(std::min(slash + 1, text.size()));
  return {.head = std::string(text.substr(0, slash)), .whole = std::string(whole == "-" ? "" : whole)};
}

}  // namespace posthorn::fetch
