// A header block as lines for reading: chosen fields as "Name: value", folded or not. [RFC5322 2.2]
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace posthorn::message {

// Whether a field of that name is wanted.  Quick.
using WantsField = std::function<bool(std::string_view name)>;

enum class Folding : bool { undone, kept };

// 1. Fields keep their order, spelling and repetitions; between the colon and the value stands one space, also when the value is
//    empty.  Lines that are no field are left
//    out.
// 2. Folding::undone: a line end and the white space behind it become one space; white space at the end of a field goes.
//    Folding::kept: lines stay as they are.
// 3. Lines end with LF in the output, and with LF or CRLF in the input.  The empty line that ends the block, and what is behind it, does
//    not come out.
// 4. Streaming: any chunking gives the same bytes, and no field is held.
class HeaderLines {
 public:
  HeaderLines(WantsField wants, Folding folding) : wants_(std::move(wants)), folding_(folding) {}
  void feed(std::string_view block_bytes, std::string& out);  // appends to out
  void finish(std::string& out);

  static constexpr std::size_t kLongestName = 998;
  static constexpr std::size_t kLongestBlank = 4096;  // more white space than that is not taken for the end of a field

 private:
  // line_start -> name -':'-> blank -> value; skip: of a field that is not wanted, or a line that is none
  enum class State : unsigned char { line_start, name, blank, value, skip, line_end, skipped_line_end, done };
  void take(char c, std::string& out);
  void take_value(char c, std::string& out);
  void begin_line(char c, std::string& out);
  void end_name(std::string& out);

  WantsField wants_;
  Folding folding_;
  State state_ = State::line_start;
  bool has_value_ = false;  // something of it has come out
  bool after_cr_ = false;
  std::string held_;  // the name being read; in a value: white space that may be its end
};

}  // namespace posthorn::message
