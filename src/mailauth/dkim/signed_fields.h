// Which fields of a header a signature covers [RFC6376 5.4], and what of them is hashed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mailauth/dkim/canonical.h"

namespace posthorn::mailauth::dkim {

// `names` is h=, in lower case; a name that stands there more often than its field does makes a later addition of such a
// field break the signature [RFC6376 5.4].  `text` is what they contribute to the hash.
struct SignedFields {
  std::vector<std::string> names;
  std::string text;
};

// Ours: every instance of what a reader sees or acts upon.  Sealed (named once more) are From, Reply-To, Subject, Date, To and Cc, be
// they there or not, and of the rest those that are there, list fields excepted: lists add theirs.
SignedFields choose_signed_fields(Canonicalization, std::string_view header);

// [RFC6376 5.4.2] What the fields of a list h= contribute, from the bottom of the header to its top for names that come again.  For verifying.
std::string text_of_fields(Canonicalization, std::string_view header, const std::vector<std::string>& names);

}  // namespace posthorn::mailauth::dkim
