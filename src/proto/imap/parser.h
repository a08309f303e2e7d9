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
  // After ENABLE UTF8=ACCEPT or IMAP4rev2: mailbox names are UTF-8, not modified UTF-7, and quoted strings may
  // hold UTF-8 and nothing else above US-ASCII. [RFC6855 3] [RFC9051 5.1]
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
};

// Always answered with tagged BAD (with "*" as tag if none could be read).
struct ParseError {
  std::string tag;   // "*" if there is none
  std::string text;  // for humans; never quotes what the client sent
  bool unknown_command = false;
};

// `text` is the whole command without its last line end, literals as they came ("{3}\r\nabc").
// APPEND is refused here: CommandReader takes it apart, and the session streams its message.
std::expected<Command, ParseError> parse_command(std::string_view text, const ParserLimits& = {});

// For CommandReader: "tag APPEND mailbox [flags] [date-time] " up to a literal.
struct AppendPrefix {
  enum class Next : std::uint8_t { mailbox_literal, message_literal } next = Next::message_literal;
  std::string tag;
  Append append;
};
// `text` ends before the "{" of the last literal.
std::expected<AppendPrefix, ParseError> parse_append_prefix(std::string_view text, const ParserLimits& = {});

// The tag at the front of `text`, or "*" if there is no whole one with its space.
std::string peek_tag(std::string_view text, const ParserLimits& = {});

// A single rule, for clients and tests; takes all of `text`.
Result<SequenceSet> parse_sequence_set(std::string_view text, const ParserLimits& = {});

}  // namespace posthorn::imap
