// The data in an SMAP server's replies, as its client understands it. [SMAP1 4.2, 5.3, 6.1]
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/smap/message_set.h"
#include "text/date.h"

namespace posthorn::smap {

// "* FETCH 3 FLAGS=SEEN "KEYWORDS=a,b" ...": what was told of one message, perhaps not all at once.
struct FetchReply {
  std::uint32_t number = 0;
  std::optional<std::uint8_t> flags;                 // bits of Flag
  std::optional<std::vector<std::string>> keywords;  // as they are shown; each once
  std::optional<std::string> uid;
  std::optional<std::uint64_t> size;  // an estimate
  std::optional<text::DateTime> date;
  friend bool operator==(const FetchReply&, const FetchReply&) = default;
  void add(FetchReply later);
};
// `words` begin with FETCH.  Attributes that are not known are passed over, and so is a date that is none.  syntax: no number; a UID that is
// empty; a size that is none.
Result<FetchReply> parse_fetch_reply(std::span<const std::string> words);
// The number of a message in the words of a multi-line reply.  syntax: it is none to FETCH.
Result<std::uint32_t> parse_content_number(std::span<const std::string> words);

// "EXISTS 5".  syntax.
Result<std::uint32_t> parse_exists_reply(std::span<const std::string> words);
// "EXPUNGE 1 3-4".  syntax: none, or not in strictly increasing order.
Result<NumberRanges> parse_expunge_reply(std::span<const std::string> words);

// "LIST name description FOLDER DIRECTORY"
struct ListReply {
  std::string name;
  bool has_messages = false;  // FOLDER
  bool has_folders = false;   // DIRECTORY
  friend bool operator==(const ListReply&, const ListReply&) = default;
};
// syntax: a name that is_text() is not, or empty.
Result<ListReply> parse_list_reply(std::span<const std::string> words);

}  // namespace posthorn::smap
