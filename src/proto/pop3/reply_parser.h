// What a POP3 server says, as its client reads it, line by line. [RFC1939] [RFC2449] [RFC3206] [RFC5034]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::pop3 {

struct ReplyLimits {
  std::size_t line = 4096;  // [RFC2449 4] 512; a challenge of SASL [RFC5034 4] and some servers need more
  std::size_t capabilities = 256;      // lines
  std::size_t listing = 4'000'000;     // lines of LIST and UIDL
  std::size_t listing_bytes = 128 << 20;  // of all these lines together
  std::size_t unique_id = 255;         // [RFC1939 7] 70; some servers say more
  std::uint64_t message = 4ull << 30;  // bytes of RETR and TOP, with CRLF
};

// The first line of an answer, or all of it.
struct Reply {
  enum class Kind : std::uint8_t { ok, error, challenge } kind = Kind::error;
  std::string code;  // of [RFC2449 8], in capitals, without brackets: "IN-USE", "SYS/TEMP"; empty: none
  std::string text;  // behind it, without control characters; of a challenge: its base64
  bool ok() const { return kind == Kind::ok; }
  friend bool operator==(const Reply&, const Reply&) = default;
};
// `line` without its end.  Errc::syntax: it begins with neither "+OK", "-ERR" nor "+ ".
Result<Reply> parse_reply(std::string_view line);

// "3 1200": the number of a message and its size.  "+OK 2 320" of STAT behind "+OK " reads alike.
struct Listing {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  friend bool operator==(const Listing&, const Listing&) = default;
};
// What follows the size is not heeded [RFC1939 5].  Errc::syntax; a number may be 0 for STAT only, whose
// caller says so.
Result<Listing> parse_listing(std::string_view line);

struct UniqueId {
  std::uint32_t number = 0;
  std::string id;  // [RFC1939 7] of printable ASCII; departure: any bytes but space and control characters
  friend bool operator==(const UniqueId&, const UniqueId&) = default;
};
Result<UniqueId> parse_unique_id(std::string_view line, const ReplyLimits& = {});

// [RFC2449 6] [RFC2595 4] [RFC5034 3] [RFC6856]
struct Capabilities {
  bool user = false, top = false, uidl = false, stls = false, pipelining = false, resp_codes = false,
       utf8 = false;
  std::vector<std::string> sasl;  // mechanisms, in capitals
  std::string implementation;
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};
// One line of CAPA; what is not known is not heeded.
void add_capability(Capabilities&, std::string_view line);

// [RFC1939 7] The timestamp of a greeting, with its angle brackets: what APOP digests.  Empty: the server
// does not offer it.
std::string_view find_timestamp(std::string_view greeting);

}  // namespace posthorn::pop3
