// How far a long command has got: one line on the terminal, written over and over.
#pragma once

#include <chrono>
#include <string>

namespace posthorn {

// On stderr, if that is a terminal that can take a line back; else nothing is written.  A line never wraps: what is wider than the terminal is cut.
class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  // At most ten times a second; the others are left out.
  void show(const std::string& line);
  // Takes the line away.  REQUIRES: before anything else is written to the terminal.
  void end();

 private:
  bool on_, shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace posthorn
