// Writing header fields: trace fields at intake, Return-Path at delivery.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::message {

// Appends "Name: value CRLF", folded at white space so that lines stay within 78 bytes where the value allows
// it [RFC5322 2.1.1].
// "\n" in the value asks for a fold there; runs of white space become one space.  Control characters become
// spaces, so a value can never start another field.
void put_header_field(std::string& out, std::string_view name, std::string_view value);

// A local part or display name as quoted-string where dot-atom or atoms do not suffice [RFC5322 3.2.4].
std::string quote_if_needed(std::string_view phrase_or_local_part);

}  // namespace posthorn::message
