#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "text/columns.h"

namespace posthorn {
namespace {

constexpr std::chrono::milliseconds kEvery{100};

bool can_take_back() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && term && std::string_view(term) != "dumb";
}

// Asked each time: it may have been resized.
std::size_t width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1u : 79;
}

}  // namespace

Progress::Progress(bool wanted) : on_(wanted && can_take_back()) {}

bool Progress::is_due() {
  const auto time = std::chrono::steady_clock::now();
  if (!on_ || time < next_) return false;
  next_ = time + kEvery;
  return true;
}

void Progress::write(std::string_view line) {
  shown_ = true;
  const auto cut = text::first_columns(line, width());
  std::fprintf(stderr, "\r%.*s\033[K", static_cast<int>(cut.size()), cut.data());
  std::fflush(stderr);
}

void Progress::show(const std::string& line) {
  if (is_due()) write(line);
}

void Progress::show(const client::ProgressState& state) {
  if (!is_due()) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin_);
  write(client::progress_line(state, elapsed, width()));
}

void Progress::end() {
  next_ = {};
  if (!std::exchange(shown_, false)) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace posthorn
