// What a message is recognised by when its unique-id alone is not believed. [docs/formats/fetch.md]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/digest.h"

namespace posthorn::fetch {

// Servers put these in when a message was read: Status, X-Status, X-UIDL.
bool is_volatile(std::string_view header_line);

// Digests of a message as it came in pieces, without its volatile lines.
class Fingerprint {
 public:
  static constexpr std::uint32_t kLines = 50;  // of the body, in `head`: what TOP is asked for

  struct Digests {
    std::string head;   // of the header and the first lines
    std::string whole;  // of all of it
  };
  void put(std::string_view piece);
  Digests finish();  // and begins anew

 private:
  void take_header_line();
  void put_body(std::string_view piece);

  crypto::Sha256 head_, whole_;
  std::string line_;  // of the header, as far as it has come
  bool in_header_ = true;
  std::uint32_t lines_ = 0;  // of the body
};

// "HEAD/WHOLE", as the journal keeps it; "HEAD/-" where only TOP was asked.
std::string text_of(const Fingerprint::Digests&);
Fingerprint::Digests parse_fingerprint(std::string_view text);

}  // namespace posthorn::fetch
