// How far a long command has got, as one line for a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace posthorn::client {

enum class ProgressUnit : std::uint8_t { things, bytes };

struct ProgressState {
  std::string what;         // goes before it all: "posthorn fetch"; from strangers: without control characters
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known
  ProgressUnit unit = ProgressUnit::things;
  std::uint64_t bytes = 0;  // so many with that, beside things; 0: not shown
};

// "posthorn fetch: [#####.....] 512/1,000  12.3 MiB  1,200/s  0:03 left", never more than `width` columns: first the bar becomes short, then
// what stands behind it goes, from the end; in the end there is "51%".  The rate is the one since the beginning, `elapsed` ago, and both it
// and the time that is left are shown once there is something to go by.
std::string progress_line(const ProgressState&, std::chrono::milliseconds elapsed, std::size_t width);

// "512 B", "12.3 MiB"; "1,234,567"; "0:03", "12:34", "1:02:03".
std::string size_text(std::uint64_t bytes);
std::string grouped(std::uint64_t number);
std::string clock_text(std::chrono::seconds);

}  // namespace posthorn::client
