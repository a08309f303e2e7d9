#include "check/finding.h"

namespace posthorn::check {

std::string_view to_string(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::note:
      return "note";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "?";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLength = 160;
  std::string out(text.substr(0, kLength));
  if (text.size() > kLength) out += "...";
  return out;
}

}  // namespace posthorn::check
