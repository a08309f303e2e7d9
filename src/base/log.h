// The structured log: one event, one line, to standard error or a file.
//
//   log::info("smtp.accepted", {{"session", id}, {"message", mid}, {"size", n}});
//   2026-11-22T07:43:36.123Z info smtp.accepted session=k3f9a0001 message=17 size=10240
//
// 1. One event is one line: control characters, newlines, quotes, backslashes and invalid UTF-8 in a value
// come out
//    escaped (\n, \", \xHH), so a hostile value can neither end the line nor forge a field.  A value that has
//    any of these, a space or '=', or is empty, is quoted.
// 2. A value is cut after kMaxValue bytes, a line after kMaxLine; "..." marks the cut.
// 3. Any thread; nothing here throws.  A level that is off costs one atomic load (build costly values behind
// enabled()).
// 4. After start() lines gather in a bounded buffer, from which a thread writes them within some milliseconds, and when the disk
//    or the pipe cannot keep up the oldest are dropped and counted (log.dropped): a session never waits for the log.  Before start(),
//    and after stop(), lines are written at once by the caller.
//
// Passwords and message bodies are never logged.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/settings.h"

namespace posthorn::log {

inline constexpr std::size_t kMaxValue = 1024;
inline constexpr std::size_t kMaxLine = 8192;

enum class Level { debug, info, warning, error, off };
inline constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error", "off"};

inline const Setting<Level> kLevel{"log.level", Level::info, kLevelNames,
                                   "Events below this level are not logged."};
inline const Setting<std::string> kFile{
    "log.file", "", "Write the log to this file instead of standard error (read at the start)."};

// The value of a field.  Holds a view: valid for the call only.
class Value {
 public:
  enum class Kind { text, integer, natural, boolean, real };
  Value(std::string_view v) : kind(Kind::text), text(v) {}    // NOLINT: implicit by design
  Value(const std::string& v) : kind(Kind::text), text(v) {}  // NOLINT
  Value(const char* v) : kind(Kind::text), text(v ? std::string_view(v) : std::string_view()) {}  // NOLINT
  Value(std::same_as<bool> auto v) : kind(Kind::boolean), natural(v) {}                           // NOLINT
  template <std::signed_integral T>
  Value(T v) : kind(Kind::integer), integer(v) {}  // NOLINT
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Value(T v) : kind(Kind::natural), natural(v) {}                                        // NOLINT
  Value(std::floating_point auto v) : kind(Kind::real), real(static_cast<double>(v)) {}  // NOLINT
  template <class Tag, class Rep>
  Value(StrongId<Tag, Rep> v) : Value(v.value()) {}                                               // NOLINT
  Value(const Error& e) : kind(Kind::text), text(e.text.empty() ? to_string(e.code) : e.text) {}  // NOLINT

  Kind kind;
  std::string_view text;
  union {
    std::int64_t integer;
    std::uint64_t natural = 0;
    double real;
  };
};

struct Field {
  std::string_view key;  // letters, digits, '_', '.', '-'; anything else comes out as '_'
  Value value;
};
using Fields = std::initializer_list<Field>;

inline bool enabled(Level level) { return level >= kLevel.get(); }
void set_level(Level);

void write(Level, std::string_view event, Fields fields) noexcept;

inline void debug(std::string_view event, Fields fields = {}) noexcept {
  if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) noexcept {
  if (enabled(Level::info)) write(Level::info, event, fields);
}
inline void warning(std::string_view event, Fields fields = {}) noexcept {
  if (enabled(Level::warning)) write(Level::warning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) noexcept {
  if (enabled(Level::error)) write(Level::error, event, fields);
}

// Starts the writer thread; an empty path is standard error.  Fails when the file cannot be opened.
Result<void> start(const std::string& path = {});
// Opens the file again (after log rotation); nothing to do on standard error.
Result<void> reopen();
// Writes what is queued, ends the thread, and closes the file.  No-op when not started.
void stop();

// The line as it would be written, without the newline.  For tests and for other sinks.
std::string format_line(std::string_view timestamp, Level, std::string_view event, Fields fields);

// For tests: while it lives, lines come here instead of being written, and the level is `level`.
class Capture {
 public:
  explicit Capture(Level level = Level::debug);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  std::vector<std::string> lines() const;  // without timestamps: "info smtp.accepted size=1"
  bool has(std::string_view part_of_a_line) const;

 private:
  friend void write(Level, std::string_view, Fields) noexcept;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  Level before_;
};

}  // namespace posthorn::log

namespace posthorn {

// A short name for a connection in the log: letters and digits, at most 15 characters (fits a string without
// allocation), unique in this run of the process and very likely across runs.  Any thread.
std::string new_session_id();

}  // namespace posthorn
