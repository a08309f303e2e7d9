// Address lists [RFC5322 3.4, 4.4] in the shape of IMAP's ENVELOPE [RFC3501 7.4.2].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

struct Address {
  enum class Kind : std::uint8_t { mailbox, group_begin, group_end };

  Kind kind = Kind::mailbox;
  std::string
      name;  // display name, unquoted; encoded words stay encoded.  Or the comment, where that is the name
  std::string adl;      // obsolete source route "@a,@b" [RFC5322 4.4]
  std::string mailbox;  // local part, unquoted; of group_begin: the group's name
  std::string host;  // may be empty in broken mail ("root"): ENVELOPE then shows "", since NIL means a group

  friend bool operator==(const Address&, const Address&) = default;
};

// Lenient: what cannot be read as an address becomes an address with empty host, nothing is refused.  At most
// max_count entries. Every group_begin has its group_end.
std::vector<Address> parse_address_list(std::string_view value, std::size_t max_count = 10'000);

// "Name <mailbox@host>, ..." with encoded words decoded to UTF-8: what SEARCH FROM, TO, CC and BCC compare.
std::string address_list_text(const std::vector<Address>& list);

}  // namespace posthorn::message
