// Which message here is which one there, when no UID says so.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/imap_connection.h"

namespace posthorn::sync {

struct Fingerprint {
  std::string message_id;   // empty: it has none
  std::string date;         // the field, as it stands
  std::uint64_t size = 0;   // with CRLF for every end of a line
  std::int64_t time = 0;    // INTERNALDATE, in seconds
};
// Of the front of a message.
void read_header(Fingerprint&, std::string_view header);

struct There {
  std::vector<std::uint32_t> uids;
  std::vector<Fingerprint> prints;  // as many
};
// Of messages of the selected mailbox.  matching.cc
Task<Result<There>> fingerprints_there(client::ImapConnection&, imap::NumberSet uids);

// Pairs of indices, each index at most once.  First those with the same Message-ID and size, in their order; then those whose Message-ID is left
// over once on each side, with the same Date; without a Message-ID the same size, Date and time.  What is not sure is no pair.
// just_sent: what is new there and what has been sent; without a Message-ID size and Date do then, where they stand once on each side.
enum class Among : std::uint8_t { all, just_sent };
std::vector<std::pair<std::size_t, std::size_t>> match(std::span<const Fingerprint> here, std::span<const Fingerprint> there, Among = Among::all);

}  // namespace posthorn::sync
