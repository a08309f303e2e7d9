// Encoded words [RFC2047] in header values.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::message {

// To UTF-8.  Lenient as real mail needs: adjacent words are joined (also when a character is split between
// words of one charset), words glued to text are decoded, raw 8-bit bytes are UTF-8 or else windows-1252,
// broken words stay as they are. Also unfolds.  Linear time.
std::string decode_encoded_words(std::string_view value);

// UTF-8 text for an unstructured field or a display name: unchanged when it is printable ASCII, else UTF-8
// encoded words (Q or B, the shorter) of at most 75 bytes [RFC2047 2], separated by one space (fold there
// with compose.h).
std::string encode_encoded_words(std::string_view utf8);

}  // namespace posthorn::message
