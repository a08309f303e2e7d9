// How far a long command has got: one line on the terminal, written over and over.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/progress_line.h"

namespace posthorn {

// On stderr, if that is a terminal that can take a line back; else nothing is written.  A line never wraps: what is wider than the terminal
// is cut, at a character.
class Progress {
 public:
  // `wanted`: neither --quiet nor --json.  The rates of bars count from here.
  explicit Progress(bool wanted);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  // At most ten times a second; the others are left out.  REQUIRES: no control characters.
  void show(const std::string& line);
  // A bar.
  void show(const client::ProgressState&);
  bool is_shown() const { return on_; }
  // Takes the line away; the next one is shown at once.  REQUIRES: before anything else is written to the terminal.
  void end();

 private:
  bool on_, shown_ = false;
  bool is_due();
  void write(std::string_view line);

  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace posthorn
