// Gathers IMAP commands from the byte stream: lines and literals. [RFC3501 4.3] [RFC7888]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/imap/command.h"
#include "proto/imap/parser.h"

namespace posthorn::imap {

struct ReaderLimits {
  std::size_t line = 64 * 1024;          // octets of a command outside its literals
  std::size_t literals = 1024 * 1024;    // octets of all literals of a command, the message of APPEND apart
  std::uint64_t skip = 4 * 1024 * 1024;  // how much of a refused command is read over before we rather close
  bool literal_minus = false;            // [RFC7888 5] non-synchronising literals have at most 4096 octets
  ParserLimits parser{};
};

// feed() until it returns something other than need_more, act, feed() the rest:
//
//   need_more     all input is consumed
//   continuation  the client waits for leave to send a literal: write "+ OK"
//   command       command() is a whole command, for parse_command()
//   line          command() is the line that expect_line() asked for, without its end
//   append        the next octet is the first of a message: append() says everything. Call accept_append(),
//   send "+ OK"
//                 if it is synchronising, take size octets from the stream (none of them go through feed()),
//                 call append_streamed(); then append_done follows. Or call refuse_append(): if it is
//                 synchronising the command is over; if not, the reader skips it and append_refused follows.
//                 Send the tagged NO then.
//   append_done   the end of the APPEND command: answer it
//   append_refused
//   rejected      the command is refused and over: send rejection(), go on
//   fatal         send rejection() as untagged BYE and close. feed() must not be called again.
//
// 1. Nothing behind the end of the command is consumed.
// 2. The result does not depend on how the stream is cut.
// 3. Between commands the reader owns no memory.
// 4. command() is a view into the last input if that held the whole command, else into the reader; it is
// valid until
//    the next call that is not const, and while the input lives.
// A bare LF ends a line as CRLF does: hand-typed sessions and some scripts send it, and nothing can be
// smuggled here.
class CommandReader {
 public:
  enum class Event : std::uint8_t {
    need_more,
    continuation,
    command,
    line,
    append,
    append_done,
    append_refused,
    rejected,
    fatal
  };

  struct AppendInfo {
    std::string tag;
    Append append;
    std::uint64_t size = 0;  // up to 2^63-1; the limit is the session's
    bool synchronising = true;
  };

  struct Rejection {
    std::string tag;        // "*" if none could be read
    bool bad = true;        // BAD or NO
    std::string_view code;  // response code without brackets, may be empty
    std::string text;
  };

  explicit CommandReader(const ReaderLimits& limits = {}) : limits_(limits) {}

  // Takes from the front of `input` and advances it.
  Event feed(std::string_view& input);

  std::string_view command() const { return command_; }
  const AppendInfo& append() const { return append_; }
  const Rejection& rejection() const { return rejection_; }

  // The next line is not a command: answers to AUTHENTICATE, DONE. Literals have no meaning in it.
  void expect_line() { raw_line_ = true; }

  void accept_append();
  void append_streamed();
  void refuse_append();

  // REQUIRES: between commands.
  void set_limits(const ReaderLimits& limits) { limits_ = limits; }
  // True between commands: nothing is buffered, the connection may sleep.
  bool idle() const { return state_ == State::line && buffer_.empty() && !skip_reason_; }

 private:
  // line: gathering text.  literal: gathering literal_left_ octets.  append_offered, streaming: the session's
  // turn. append_tail: the line behind the message.  skipping: reading over a refused command.
  enum class State : std::uint8_t {
    line,
    literal,
    append_offered,
    streaming,
    append_tail,
    skip_line,
    skip_literal,
    dead
  };

  struct LiteralMark {
    std::uint64_t size = 0;
    bool synchronising = true;
    std::size_t begin = 0;  // offset of "{"
  };

  State state_ = State::line;
  bool raw_line_ = false;
  bool skip_reason_ = false;
  std::string buffer_;
  std::string_view command_;
  ReaderLimits limits_;
  AppendInfo append_;
  Rejection rejection_;
};

}  // namespace posthorn::imap
