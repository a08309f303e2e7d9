#include "mailauth/dkim/canonical.h"

#include <algorithm>
#include <array>

#include "text/ascii.h"

namespace posthorn::mailauth::dkim {
namespace {

constexpr std::string_view kCrlf = "\r\n";

// Bytes that relaxed bodies do not simply keep.
constexpr auto kSpecial = [] {
  std::array<bool, 256> t{};
  for (const unsigned char c : {' ', '\t', '\r'}) t[c] = true;
  return t;
}();

std::size_t plain_prefix(std::string_view s) {
  const auto special = std::ranges::find_if(s, [](char c) { return kSpecial[static_cast<unsigned char>(c)]; });
  return static_cast<std::size_t>(special - s.begin());
}

void put_relaxed_value(std::string& out, std::string_view value) {
  bool space = false;
  const std::size_t start = out.size();
  while (!value.empty()) {
    if (value.starts_with(kCrlf)) {  // unfolding: white space follows, or the value would have ended
      value.remove_prefix(kCrlf.size());
      continue;
    }
    const char c = value.front();
    value.remove_prefix(1);
    if (text::is_wsp(c)) {
      space = true;
      continue;
    }
    if (space && out.size() > start) out += ' ';
    space = false;
    out += c;
  }
}

}  // namespace

std::string_view name_of(Canonicalization form) { return form == Canonicalization::simple ? "simple" : "relaxed"; }

std::string canonical_field(Canonicalization form, std::string_view field) {
  if (field.ends_with(kCrlf)) field.remove_suffix(kCrlf.size());
  if (form == Canonicalization::simple) return std::string(field);
  const auto colon = std::min(field.find(':'), field.size());
  auto name = field.substr(0, colon);
  while (!name.empty() && text::is_wsp(name.back())) name.remove_suffix(1);
  std::string out = text::to_lower(name);
  if (colon == field.size()) return out;
  out += ':';
  put_relaxed_value(out, field.substr(colon + 1));
  return out;
}

void BodyCanonicalizer::feed(std::string_view piece, const Sink& sink) {
  if (form_ == Canonicalization::simple)
    feed_simple(piece, sink);
  else
    feed_relaxed(piece, sink);
}

// Everything but the line ends at the end of what has come so far.
void BodyCanonicalizer::feed_simple(std::string_view piece, const Sink& sink) {
  if (piece.empty()) return;
  if (cr_) {
    cr_ = false;
    if (piece.front() == '\n') {
      ++line_ends_;
      piece.remove_prefix(1);
    } else {
      release(sink);
      put("\r", sink);
    }
  }
  auto content = piece;
  const bool cr = content.ends_with('\r');
  if (cr) content.remove_suffix(1);
  std::uint64_t line_ends = 0;
  for (; content.ends_with(kCrlf); ++line_ends) content.remove_suffix(kCrlf.size());
  if (!content.empty()) {
    release(sink);
    put(content, sink);
  }
  line_ends_ += line_ends;
  cr_ = cr;
}

void BodyCanonicalizer::feed_relaxed(std::string_view piece, const Sink& sink) {
  while (!piece.empty()) {
    const char c = piece.front();
    if (cr_) {
      cr_ = false;
      if (c == '\n') {
        space_ = false;  // white space at the end of a line
        ++line_ends_;
        piece.remove_prefix(1);
        continue;
      }
      release(sink);
      put("\r", sink);
    }
    if (const auto plain = plain_prefix(piece); plain > 0) {
      release(sink);
      put(piece.substr(0, plain), sink);
      piece.remove_prefix(plain);
      continue;
    }
    (c == '\r' ? cr_ : space_) = true;
    piece.remove_prefix(1);
  }
}

// Something follows what was held back.
void BodyCanonicalizer::release(const Sink& sink) {
  for (; line_ends_ > 0; --line_ends_) put(kCrlf, sink);
  if (space_) put(" ", sink);
  space_ = false;
}

void BodyCanonicalizer::put(std::string_view bytes, const Sink& sink) {
  anything_ = true;
  if (buffer_.size() + bytes.size() > kBuffer) flush(sink);
  if (bytes.size() > kBuffer) return sink(bytes);
  if (buffer_.capacity() < kBuffer) buffer_.reserve(kBuffer);
  buffer_ += bytes;
}

void BodyCanonicalizer::flush(const Sink& sink) {
  if (!buffer_.empty()) sink(buffer_);
  buffer_.clear();
}

void BodyCanonicalizer::finish(const Sink& sink) {
  if (cr_) {
    release(sink);
    put("\r", sink);
  }
  // [RFC6376 3.4.3] Even an empty body is a line end when it is simple; [RFC6376 3.4.4] relaxed, it stays empty.
  if (anything_ || form_ == Canonicalization::simple) put(kCrlf, sink);
  flush(sink);
}

void BodyHash::feed(std::string_view piece) {
  canonicalizer_.feed(piece, [this](std::string_view bytes) { hash_.update(bytes); });
}

crypto::Sha256Digest BodyHash::finish() {
  canonicalizer_.finish([this](std::string_view bytes) { hash_.update(bytes); });
  return hash_.finish();
}

}  // namespace posthorn::mailauth::dkim
