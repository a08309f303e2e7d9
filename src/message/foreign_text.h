// What strangers wrote (addresses, replies, names), made safe to show and to put into fields.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthorn::message {

// One line of UTF-8: what is no UTF-8 becomes U+FFFD; controls, line separators and what turns the direction of writing
// become blanks.  At most `max_bytes`, cut at a character; "..." says so.
std::string clean_text(std::string_view s, std::size_t max_bytes);

// [RFC6533 3] EmbeddedUnicodeChar: what is not ASCII as \x{HEX}.  Of an address (utf-8-addr-xtext) blanks, "\", "+"
// and "=" too.
enum class Escape { text, address };
std::string escape_non_ascii(std::string_view utf8, Escape what);

}  // namespace posthorn::message
