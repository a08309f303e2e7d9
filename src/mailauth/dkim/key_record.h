// The DNS record that shows the public half of a key [RFC6376 3.6].
#pragma once

#include <string>
#include <string_view>

#include "crypto/signing_key.h"

namespace posthorn::mailauth::dkim {

// [RFC6376 3.6.2.1] "<selector>._domainkey.<domain>".  REQUIRES: both in A-labels.
std::string key_record_name(std::string_view selector, std::string_view domain);

// [RFC6376 3.6.1] [RFC8463 4.2] "v=DKIM1; k=rsa; p=...": what goes into the form of a DNS provider.  `public_key` as SigningKey::public_key()
// gives it.
std::string key_record(crypto::KeyAlgorithm, std::string_view public_key);

// The record as a line of a zone file [RFC1035 5.1]; a text longer than 255 octets is cut into several strings, which verifiers put
// together again [RFC6376 3.6.2.2].
std::string txt_zone_line(std::string_view name, std::string_view text);

}  // namespace posthorn::mailauth::dkim
