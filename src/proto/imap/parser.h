// Text of a command (gathered by CommandReader) to struct. [RFC3501 9]
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/imap/command.h"

namespace posthorn::imap {

struct ParserLimits {
  // After ENABLE UTF8=ACCEPT or IMAP4rev2: mailbox names are UTF-8, not modified UTF-7, and quoted strings
  // may hold UTF-8 and nothing else above US-ASCII. [RFC6855 3] [RFC9051 5.1]
  bool utf8 = false;
  std::size_t tag = 256;
  std::size_t search_depth = 100;  // NOT, OR and parentheses
  std::size_t search_keys = 5000;
  std::size_t set_items = 100'000;
  std::size_t fetch_attributes = 256;  // every one may cost the reading of a message
  std::size_t part_depth = 100;        // numbers in "1.2.3"
  std::size_t header_fields = 1000;    // names in one HEADER.FIELDS
  std::size_t keywords = 256;          // in one flag list
  std::size_t keyword_length = 255;
  std::size_t mailbox_length = 1024;  // octets of UTF-8
  std::size_t id_parameters = 30;     // [RFC2971 3.3]
  std::size_t capabilities = 100;     // of ENABLE
  std::size_t list_patterns = 100;    // of one LIST
  std::size_t sort_criteria = 50;
  std::size_t quota_resources = 20;  // of SETQUOTA
};

// Always answered with tagged BAD (with "*" as tag if none could be read).
struct ParseError {
  std::string tag;   // "*" if there is none
  std::string text;  // for humans; never quotes what the client sent
  bool unknown_command = false;
};

// `text` is the whole command without its last line end, literals as they came ("{3}\r\nabc").
// APPEND and REPLACE are refused here: CommandReader takes them apart, and the session streams their
// messages.
std::expected<Command, ParseError> parse_command(std::string_view text, const ParserLimits& = {});

// For CommandReader: what stands before a message of APPEND, REPLACE and UID REPLACE.
enum class LiteralKind : std::uint8_t { literal, literal8 };  // {3}, ~{3} [RFC3516 7]
struct AppendPrefix {
  enum class Next : std::uint8_t { mailbox_literal, message_literal } next = Next::message_literal;
  std::string tag;
  Append append;
};
// `text` is the command up to the mark of its last literal, "~" not included.
std::expected<AppendPrefix, ParseError> parse_append_prefix(std::string_view text, LiteralKind next,
                                                            const ParserLimits& = {});
// The options of one more message [RFC3502]: `text` stands between the last message and the mark of the next
// one. Mailbox and tag stay; errors as in Cursor.
Result<void> parse_append_options(std::string_view text, LiteralKind next, Append&, const ParserLimits& = {});

// The tag at the front of `text`, or "*" if there is no whole one with its space.
std::string peek_tag(std::string_view text, const ParserLimits& = {});

// A single rule, for clients and tests; takes all of `text`.
Result<SequenceSet> parse_sequence_set(std::string_view text, const ParserLimits& = {});

}  // namespace posthorn::imap
