#include "client/progress_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "text/columns.h"

namespace posthorn::client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestBar = 40, kShortestBar = 8;
constexpr auto kSomethingToGoBy = 1s;

std::string amount(std::uint64_t n, ProgressUnit unit) { return unit == ProgressUnit::bytes ? size_text(n) : grouped(n); }

// What stands behind the bar.
std::vector<std::string> parts_of(const ProgressState& s, std::chrono::milliseconds elapsed) {
  std::vector<std::string> parts{amount(s.done, s.unit)};
  if (s.total != 0) parts.front() += '/' + amount(s.total, s.unit);
  if (s.bytes != 0) parts.push_back(size_text(s.bytes));
  if (elapsed < kSomethingToGoBy || s.done == 0) return parts;
  const double per_second = static_cast<double>(s.done) * 1000.0 / static_cast<double>(elapsed.count());
  parts.push_back(amount(static_cast<std::uint64_t>(per_second), s.unit) + "/s");
  if (s.done < s.total) {
    const double left = std::min(static_cast<double>(s.total - s.done) / per_second, 359'999.0);
    parts.push_back(clock_text(std::chrono::seconds(static_cast<std::int64_t>(left + 0.999))) + " left");
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : "  ") + part;
  return out;
}

double share_of(const ProgressState& s) { return std::min(1.0, static_cast<double>(s.done) / static_cast<double>(s.total)); }
std::string percent(const ProgressState& s) { return std::to_string(static_cast<int>(share_of(s) * 100)) + '%'; }

std::string bar(const ProgressState& s, std::size_t width) {
  const auto full = static_cast<std::size_t>(share_of(s) * static_cast<double>(width));
  return '[' + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits{" KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  char text[48];
  std::snprintf(text, sizeof text, "%.1f%s", value, kUnits[unit]);
  return text;
}

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string clock_text(std::chrono::seconds time) {
  const auto s = static_cast<unsigned long long>(std::max<std::int64_t>(0, time.count()));
  char text[64];
  if (s < 3600) std::snprintf(text, sizeof text, "%llu:%02llu", s / 60, s % 60);
  else std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
  return text;
}

std::string progress_line(const ProgressState& s, std::chrono::milliseconds elapsed, std::size_t width) {
  const auto front = s.what.empty() ? std::string() : s.what + ": ";
  auto parts = parts_of(s, elapsed);
  const auto room = [&] {
    const auto taken = text::columns_of(front) + text::columns_of(joined(parts));
    return taken > width ? std::size_t{0} : width - taken;
  };
  const std::size_t wanted = s.total == 0 ? 0 : kShortestBar + 3;  // with brackets and a blank
  while (parts.size() > 1 && room() < wanted) parts.pop_back();
  if (wanted != 0 && room() < wanted) parts.front() = percent(s);
  auto line = front;
  if (wanted != 0 && room() >= wanted) line += bar(s, std::min(kLongestBar, room() - 3));
  line += joined(parts);
  return std::string(text::first_columns(line, width));
}

}  // namespace posthorn::client
