// The text that SEARCH BODY, TEXT and HEADER compare: transfer encodings and charsets decoded, as UTF-8 in
// chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "message/summary.h"

namespace posthorn::message {

// Up to `want` bytes of the message from `offset`, at least one; the view is valid until the next call. Never
// asked past the end.
using ReadBytes = std::function<Result<std::string_view>(std::uint64_t offset, std::size_t want)>;
// Takes UTF-8 that may be cut inside a character; false stops the extraction (which is success).
using TextSink = std::function<bool(std::string_view utf8)>;

enum class SearchScope {
  body,    // everything below the top header: text/* parts, and headers of parts and embedded messages
  text,    // the top header too
  header,  // the top header alone
};

// Parts and header fields are separated by line ends, so that nothing matches across them.
Result<void> extract_search_text(const Summary& summary, SearchScope scope, const ReadBytes& read,
                                 const TextSink& sink);

// Does the scope contain the needle?  REQUIRES: needle = text::casemap(what the client sent).
Result<bool> search_text_contains(const Summary& summary, SearchScope scope, std::string_view needle,
                                  const ReadBytes& read);

// The same of a message that is whole in memory, some times faster: plain ASCII is compared where it stands.
bool search_text_contains(const Summary& summary, SearchScope scope, std::string_view needle, std::string_view message);

// [RFC3501 6.4.4] HEADER name needle: is there such a field in the block whose decoded value contains it?  An
// empty needle matches any field of that name.  REQUIRES: needle = text::casemap(..).
bool header_contains(std::string_view block, std::string_view name, std::string_view needle);

}  // namespace posthorn::message
