// Dot-stuffed text, for SMTP DATA [RFC5321 4.5.2] and POP3 multi-line replies [RFC1939 3].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::proto {

// 1. Lines that begin with "." get another.
// 2. A bare LF becomes CRLF. A bare CR is kept or, where the protocol forbids it, becomes CRLF too.
// 3. finish() completes the last line and adds ".CRLF", so the whole ends with CRLF.CRLF; an empty text gives
// ".CRLF".
// 4. The result does not depend on how the text is cut into pieces.
class DotStuffer {
 public:
  enum class BareCr : std::uint8_t { keep, to_crlf };
  explicit DotStuffer(BareCr bare_cr = BareCr::keep) : bare_cr_(bare_cr) {}

  // Returns what to send next: a long run of `text` itself or a short static string. Empty: `text` is used
  // up.
  std::string_view next(std::string_view& text);
  // What ends the text. Call once, after the last piece.
  std::string_view finish();

  // The same, appended to a string.
  void put(std::string& out, std::string_view text);

 private:
  enum class State : std::uint8_t { line_start, text, cr, lf_owed };
  State state_ = State::line_start;
  BareCr bare_cr_;
};

}  // namespace posthorn::proto
