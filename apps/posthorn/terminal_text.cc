#include "terminal_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "output.h"

namespace posthorn {
namespace {

constexpr std::size_t kNarrowest = 40, kWidest = 140;

bool is_start(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::plain:
      return "";
    case Colour::good:
      return "\033[32m";
    case Colour::warning:
      return "\033[33m";
    case Colour::bad:
      return "\033[1;31m";
    case Colour::faint:
      return "\033[2m";
    case Colour::bold:
      return "\033[1m";
  }
  return "";
}

}  // namespace

TerminalText::TerminalText() {
  if (!::isatty(STDOUT_FILENO)) return;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  width_ = std::clamp<std::size_t>(known ? size.ws_col : 80, kNarrowest, kWidest);
  const char* const term = std::getenv("TERM");
  const char* const no_color = std::getenv("NO_COLOR");
  colours_ = term && std::string_view(term) != "dumb" && (!no_color || !*no_color);
}

std::string TerminalText::in(Colour colour, std::string_view text) const {
  if (!colours_ || colour == Colour::plain || text.empty()) return std::string(text);
  return std::string(code_of(colour)) + std::string(text) + "\033[0m";
}

void TerminalText::line(std::string_view text) const { say(text); }

void TerminalText::wrapped(std::string_view first, std::size_t first_width, std::size_t indent, std::string_view words,
                           Colour colour) const {
  std::string start(first);
  std::size_t at = first_width;
  if (at < indent) start += std::string(indent - at, ' ');
  at = std::max(at, indent);
  std::string text;
  const auto put = [&] {
    line(start + in(colour, text));
    start = std::string(indent, ' ');
    at = indent;
    text.clear();
  };
  while (!words.empty()) {
    const auto n = std::min(words.find(' '), words.size());
    const auto word = words.substr(0, n);
    words.remove_prefix(std::min(n + 1, words.size()));
    if (word.empty()) continue;
    const auto wide = columns_of(word);
    const bool fresh = text.empty() && at == indent;  // a word that does not fit here fits nowhere
    if (!fresh && at + !text.empty() + wide > width_) put();
    if (!text.empty()) text += ' ', ++at;
    text += word;
    at += wide;
  }
  put();
}

std::size_t columns_of(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, is_start)); }

std::string fitted(std::string_view text, std::size_t width) {
  const auto wide = columns_of(text);
  if (wide <= width) return std::string(text) + std::string(width - wide, ' ');
  if (width < 3) return std::string(width, '.');
  std::string out;
  std::size_t kept = 0;
  for (const char c : text) {
    if (is_start(c) && ++kept > width - 2) break;
    out += c;
  }
  return out + "..";
}

}  // namespace posthorn
