// xtext: how values travel inside of parameters. [RFC3461 4]
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::smtp {

// What `encoded` means; nothing: it is no xtext.  Digits in lower case are understood, and octets above 127 stand for themselves
// [RFC6533 3].  The result may hold any octet: ask is_printable() before it goes into a header or a log.
std::optional<std::string> from_xtext(std::string_view encoded);

// Any octets.
std::string to_xtext(std::string_view plain);

// [RFC3461 4.4] US-ASCII, graphic and white space.
bool is_printable(std::string_view);

// An address of the type utf-8 in any of its three forms, with \x{HEXPOINT} undone. [RFC6533 3]  Nothing: it cannot be read, or is
// not printable UTF-8 then; such an address stays as it is wherever it is shown.
std::optional<std::string> from_unitext(std::string_view encoded);

// The 7-bit form of it: what is not printable ASCII, space, "\", "+" and "=" become \x{HEXPOINT}.  REQUIRES: valid UTF-8.
std::string to_unitext(std::string_view plain);

}  // namespace posthorn::smtp
