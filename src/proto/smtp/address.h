// Mailboxes and paths of the SMTP envelope. [RFC5321 4.1.2], with UTF-8 of [RFC6531 3.3].
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smtp {

// A mailbox as meant: `local_part` without quotes and backslashes, `domain` as the peer spelled it
// ("Example.ORG", "[192.0.2.1]", "[IPv6:2001:db8::1]"). Only <postmaster> has an empty domain.
// [RFC5321 4.5.1]
struct Mailbox {
  std::string local_part;
  std::string domain;
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

// [RFC5321 4.5.3.1] gives 64 octets for a local-part as what everyone must at least support, and asks for no
// limit where possible; bounce addresses that carry a recipient are longer in practice.
struct AddressLimits {
  std::size_t local_part = 255;  // octets, without quotes
  std::size_t domain = 255;      // [RFC5321 4.5.3.1.2]
  std::size_t label = 63;        // [RFC1035 2.3.4]
  std::size_t path = 1024;       // with brackets and source route
};

// Takes one mailbox (no brackets) from the front of `in`; on success `in` starts behind it. UTF-8 is accepted
// in both halves; ask needs_smtp_utf8(). Errors: Errc::syntax or Errc::limit with a text that may be shown to
// the peer.
Result<Mailbox> take_mailbox(std::string_view& in, const AddressLimits& = {});

// The whole of `text` is one mailbox.
Result<Mailbox> parse_mailbox(std::string_view text, const AddressLimits& = {});

// "<>" gives nullopt. A source route is checked and dropped. [RFC5321 C]
// Departure: a mailbox without brackets is taken up to the next space, as Postfix does: old devices send it.
Result<std::optional<Mailbox>> take_reverse_path(std::string_view& in, const AddressLimits& = {});

// Like take_reverse_path, but never empty, and <postmaster> in any case needs no domain. [RFC5321 4.1.1.3]
Result<Mailbox> take_forward_path(std::string_view& in, const AddressLimits& = {});

bool needs_smtp_utf8(const Mailbox&);  // a byte above 127 in either half [RFC6531 3.3]

// Is this a syntactically valid Domain (UTF-8 labels included), or an address-literal with its brackets?
// Departure from [RFC5321 4.1.2]: "_" is accepted, real host names have it.
bool is_domain(std::string_view, const AddressLimits& = {});
bool is_address_literal(std::string_view);

// Writers: quotes only where needed. [RFC5321 4.1.2] "the form that uses the minimum quoting possible"
// REQUIRES: the local-part has no control characters (true for all that was parsed here).
void put_mailbox(std::string& out, const Mailbox&);
void put_path(std::string& out, const std::optional<Mailbox>&);  // with brackets; nullopt is "<>"
std::string to_string(const Mailbox&);

}  // namespace posthorn::smtp
