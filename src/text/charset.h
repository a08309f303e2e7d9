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

// Does every ASCII byte mean itself under this label, whatever comes before it?  false: not that we know.
bool keeps_ascii(std::string_view label);

// Incremental; the input may be cut anywhere without changing the output.  Labels are taken leniently: case,
// quotes, white space, language suffixes, "x-" prefixes and common misspellings.  Empty, "us-ascii" and
// unknown labels: what is valid UTF-8 stays, every other byte is read as windows-1252.  ISO-8859-1 and a few
// others are read as the superset that mail means by them. Converters are cached per thread: an object stays
// on the thread that made it.
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
