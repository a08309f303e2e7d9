#include "text/casemap.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <array>
#include <cstring>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::text {
namespace {

void append_utf16(std::string& out, const UChar* units, int32_t count) {
  for (int32_t i = 0; i < count;) {
    UChar32 c;
    U16_NEXT(units, i, count, c);
    append_utf8(out, static_cast<char32_t>(c));
  }
}

// [RFC5051 2] Simple titlecase, then decomposition until nothing decomposes further (compatibility mappings
// included).  ICU's NFKD mapping of one character is exactly that; Hangul syllables decompose too, so that
// both of their spellings are equal.
void put_mapped_slow(char32_t c, std::string& out) {
  static const UNormalizer2* const normalizer = [] {
    UErrorCode error = U_ZERO_ERROR;
    return unorm2_getNFKDInstance(&error);
  }();
  const UChar32 title = u_totitle(static_cast<UChar32>(c));
  std::array<UChar, 64> units;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t count = normalizer == nullptr
                            ? -1
                            : unorm2_getDecomposition(normalizer, title, units.data(),
                                                      static_cast<int32_t>(units.size()), &error);
  if (count < 0 || U_FAILURE(error)) return append_utf8(out, static_cast<char32_t>(title));
  append_utf16(out, units.data(), count);
}

// Two-byte characters (Latin, Greek, Cyrillic, Hebrew, Arabic) come from a table.
struct Mapped {
  char length = 0;
  char bytes[15] = {};
};

const std::array<Mapped, 0x800>& two_byte_table() {
  static const auto table = [] {
    std::array<Mapped, 0x800> t;
    for (char32_t c = 0x80; c < 0x800; ++c) {
      std::string s;
      put_mapped_slow(c, s);
      if (s.size() > sizeof t[c].bytes) continue;
      t[c].length = static_cast<char>(s.size());
      std::memcpy(t[c].bytes, s.data(), s.size());
    }
    return t;
  }();
  return table;
}

void put_mapped(char32_t c, std::string& out) {
  if (c < 0x800) {
    const Mapped& m = two_byte_table()[c];
    if (m.length > 0) return void(out.append(m.bytes, static_cast<std::size_t>(m.length)));
  }
  put_mapped_slow(c, out);
}

// Maps s up to a character that its end cuts (kept in s unless last).
void map_all(std::string_view& s, bool last, std::string& out) {
  while (!s.empty()) {
    const std::size_t plain = ascii_prefix(s);
    const std::size_t at = out.size();
    out.append(s.substr(0, plain));
    for (char* c = out.data() + at; c != out.data() + out.size(); ++c) *c = to_upper(*c);
    s.remove_prefix(plain);
    if (s.empty()) return;
    const Utf8Step step = next_utf8(s);
    if (step.incomplete && !last) return;
    put_mapped(step.character, out);
    s.remove_prefix(step.length);
  }
}

}  // namespace

std::string casemap(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  map_all(utf8, true, out);
  return out;
}

void CasemapStream::feed(std::string_view utf8, std::string& out) {
  if (!held_.empty()) {
    // Complete the cut character alone, so that the chunk need not be copied.
    while (!utf8.empty() && held_.size() < 4) {
      held_ += utf8.front();
      utf8.remove_prefix(1);
      std::string_view rest = held_;
      map_all(rest, false, out);
      held_ = std::string(rest);
      if (held_.empty()) break;
    }
    if (!held_.empty()) return;
  }
  map_all(utf8, false, out);
  held_ = utf8;
}

void CasemapStream::finish(std::string& out) {
  std::string_view rest = held_;
  map_all(rest, true, out);
  held_.clear();
}

SubstringMatcher::SubstringMatcher(std::string needle)
    : needle_(std::move(needle)), fail_(needle_.size()), found_(needle_.empty()) {
  for (std::size_t i = 1, k = 0; i < needle_.size(); ++i) {
    while (k > 0 && needle_[i] != needle_[k]) k = fail_[k - 1];
    if (needle_[i] == needle_[k]) ++k;
    fail_[i] = k;
  }
}

bool SubstringMatcher::feed(std::string_view chunk) {
  if (found_) return true;
  auto step = [&](char c) {
    while (matched_ > 0 && needle_[matched_] != c) matched_ = fail_[matched_ - 1];
    if (needle_[matched_] == c) ++matched_;
    return matched_ == needle_.size();
  };
  // While the partial match began in an earlier chunk, byte by byte.
  std::size_t i = 0;
  for (; i < chunk.size() && matched_ > i; ++i)
    if (step(chunk[i])) return found_ = true;
  if (i == chunk.size()) return false;
  // Now it lies inside this chunk (or is empty).
  const std::string_view rest = chunk.substr(i - matched_);
  if (memmem(rest.data(), rest.size(), needle_.data(), needle_.size()) != nullptr) return found_ = true;
  matched_ = 0;
  for (const char c : rest.substr(rest.size() - std::min(rest.size(), needle_.size() - 1))) step(c);
  return false;
}

void SubstringMatcher::reset() {
  matched_ = 0;
  found_ = needle_.empty();
}

bool icontains(std::string_view haystack, std::string_view needle) {
  return casemap(haystack).find(casemap(needle)) != std::string::npos;
}

}  // namespace posthorn::text
