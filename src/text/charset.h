// From any charset that mail names to UTF-8, through ICU.  It never fails: what cannot be decoded becomes
// U+FFFD.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace posthorn::text {

// Is this label one that we convert by its meaning (not by the fallback)?  For SEARCH CHARSET
// [RFC3501 6.4.4].
bool is_known_charset(std::string_view label);

// Incremental; the input may be cut anywhere.  Labels are taken leniently: case, quotes, white space, "x-"
// prefixes and known misspellings.  Empty, "us-ascii" and unknown labels: valid UTF-8 stays, other bytes are
// read as windows-1252 (decided at the first byte that is not ASCII, from what that chunk shows; a chunk of
// at least 4 KiB decides as the whole would). Converters are cached per thread: an object stays on the thread
// that made it.
class CharsetConverter {
 public:
  explicit CharsetConverter(std::string_view label);
  ~CharsetConverter();
  CharsetConverter(const CharsetConverter&) = delete;
  CharsetConverter& operator=(const CharsetConverter&) = delete;

  void feed(std::string_view in, std::string& out);  // appends UTF-8
  void finish(std::string& out);                     // flushes a cut character as U+FFFD; ready for reuse

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The whole of it at once.
std::string to_utf8(std::string_view label, std::string_view bytes);

}  // namespace posthorn::text
