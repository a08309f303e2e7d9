// Text for people: as wide as the terminal, in colours where they are wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn {

enum class Colour : unsigned char { plain, good, warning, bad, faint, bold };

// Standard output.  Without a terminal, lines are 100 columns wide.
class TerminalText {
 public:
  TerminalText();
  std::size_t width() const { return width_; }

  // With the codes for the colour around it: where standard output is a terminal that has them, and NO_COLOR (https://no-color.org) is not
  // set.
  std::string in(Colour, std::string_view) const;
  // One line; what is wider than the terminal is not cut.
  void line(std::string_view text = {}) const;
  // Words, wrapped; `first` begins the first line, and the others are indented as far as `indent`.  A word that is too long stays whole.
  void wrapped(std::string_view first, std::size_t first_width, std::size_t indent, std::string_view words, Colour = Colour::plain) const;

 private:
  std::size_t width_ = 100;
  bool colours_ = false;
};

// How many columns it takes: characters of UTF-8; those that are wider than others are not known.
std::size_t columns_of(std::string_view);
// Padded with spaces to `width`, or cut to it with ".." at the end.
std::string fitted(std::string_view, std::size_t width);

}  // namespace posthorn
