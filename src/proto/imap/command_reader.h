// Gathers IMAP commands from the byte stream: lines and literals. [RFC3501 4.3] [RFC7888]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/imap/command.h"
#include "proto/imap/parser.h"

namespace posthorn::imap {

struct ReaderLimits {
  std::size_t line = 64 * 1024;           // octets of a command outside its literals
  std::size_t literals = 1024 * 1024;     // octets of all literals of a command, the message of APPEND apart
  std::uint32_t messages = 10'000;        // of one APPEND [RFC3502]
  std::uint64_t skip = 64 * 1024 * 1024;  // how much of a refused command is read over before we rather close
  bool literal_minus = false;             // [RFC7888 5] non-synchronising literals have at most 4096 octets
  ParserLimits parser{};
};

// feed() until it returns something other than need_more, act, feed() the rest:
//
//   need_more     all input is consumed
//   continuation  the client waits for leave to send a literal: write "+ OK"
//   command       command() is a whole command, for parse_command()
//   line          command() is the line that expect_line() asked for, without its end
//   append        APPEND or REPLACE: the next octet is the first of a message, and append() says everything.
//   Call
//                 accept_append(), send "+ OK" if it is synchronising, take size octets from the stream (none
//                 of them go through feed()), call append_streamed(); then append_done follows, or append for
//                 one message more of the same command [RFC3502]. Or call refuse_append(): if it is
//                 synchronising the command is over; if not, the reader skips the rest of it and
//                 append_refused follows. Send the tagged NO then.
//   append_done   the end of the command: only now commit and answer; `rejected` may come instead, then
//   nothing of the
//                 command may be kept
//   append_refused
//   rejected      the command is refused and over: send rejection(), go on
//   fatal         send rejection() as untagged BYE and close. feed() must not be called again.
//
// 1. Nothing behind the end of the command is consumed.
// 2. The result does not depend on how the stream is cut.
// 3. Between commands, after release(), the reader owns no memory.
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
    std::uint32_t number = 0;  // of the message in its command, from 0
  };

  struct Rejection {
    std::string tag;        // "*" if none could be read
    bool bad = true;        // BAD or NO
    std::string_view code;  // response code without brackets, may be empty
    std::string text;
  };

  explicit CommandReader(const ReaderLimits& limits = {}) : limits_(limits) {}

  // Takes from the front of `input` and advances it.
  // REQUIRES: no APPEND is waiting for accept_append(), refuse_append() or append_streamed().
  Event feed(std::string_view& input);

  std::string_view command() const { return command_; }
  const AppendInfo& append() const { return append_; }
  const Rejection& rejection() const { return rejection_; }

  // The next line is not a command: answers to AUTHENTICATE, DONE. Literals have no meaning in it.
  void expect_line() { raw_line_ = true; }

  // After Event::append.
  void accept_append();
  void refuse_append();
  void append_streamed();  // after accept_append() and all octets of the message

  // Frees what command() needs. feed() does it too; call it before a connection goes to sleep.
  void release();

  // REQUIRES: between commands.
  void set_limits(const ReaderLimits& limits) { limits_ = limits; }
  const ReaderLimits& limits() const { return limits_; }
  // True between commands: nothing has been read of the next one.
  bool idle() const { return state_ == State::line && buffer_.empty(); }

 private:
  // line: gathering text.  literal: gathering left_ octets of a literal.  append_offered, streaming: the
  // session's turn.  append_tail: gathering the rest of the line behind a message.  skip_literal, skip_line:
  // reading over a refused command.
  enum class State : std::uint8_t {
    line,
    literal,
    append_offered,
    streaming,
    append_tail,
    skip_literal,
    skip_line,
    dead
  };

  struct LiteralMark {
    std::uint64_t size = 0;  // kHuge: too many digits
    bool synchronising = true;
    LiteralKind kind = LiteralKind::literal;
    std::size_t length = 0;  // of the mark itself
  };
  static constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  static std::optional<LiteralMark> find_literal_mark(std::string_view line);

  Event feed_line(std::string_view& input);
  Event feed_literal(std::string_view& input);
  Event feed_skip_literal(std::string_view& input);
  Event feed_skip_line(std::string_view& input);
  Event begin_literal(const LiteralMark&, std::size_t mark_begin);
  Event begin_append(const LiteralMark&, std::string_view prefix);
  Event end_append_tail(std::string_view line);
  Event offer_append(const LiteralMark&);
  bool is_over_literal_minus(const LiteralMark&) const;
  Event refuse(const LiteralMark&, bool bad, std::string_view code, std::string text);
  void skip_long_line(std::string_view part);
  Event die();
  void reset();
  bool is_append() const;
  std::string tag() const;  // of the command being gathered

  State state_ = State::line;
  Event skip_event_ = Event::rejected;  // what a skipped command ends in
  bool raw_line_ = false;
  bool first_literal_ = true;
  bool append_command_ = false;
  std::string buffer_;  // the command so far; or, while skipping, the end of the line
  std::string held_;    // what command_ looks at, if that is not the input
  std::string_view command_;
  std::size_t line_begin_ = 0;      // in buffer_: behind the last literal
  std::size_t text_octets_ = 0;     // of the command, outside literals
  std::size_t literal_octets_ = 0;  // of the command's literals
  std::uint64_t left_ = 0;          // of the literal being gathered or skipped
  std::uint64_t skipped_ = 0;       // of the command being skipped
  ReaderLimits limits_;
  AppendInfo append_;
  Rejection rejection_;
};

}  // namespace posthorn::imap
