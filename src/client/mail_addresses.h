// Addresses as people type them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/smtp/address.h"

namespace posthorn::client {

struct TypedAddress {
  std::string name;       // decoded, UTF-8; may be empty
  smtp::Mailbox mailbox;  // a domain beyond ASCII is in its ASCII form, unless the local part is beyond ASCII, too
};

// "joe@example.org, Ann <ann@example.org>": one or more.  syntax: one of them is none, in words; or there are more than 10,000.
Result<std::vector<TypedAddress>> parse_typed_addresses(std::string_view);
// The same for exactly one.
Result<TypedAddress> parse_typed_address(std::string_view);

// As a header field has it: the name in encoded words where it must be [RFC2047 5], the address as it is.
std::string header_text(const TypedAddress&);

}  // namespace posthorn::client
