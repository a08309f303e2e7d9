#include "mailfile/mbox_format.h"

#include <algorithm>
#include <cstdio>

#include "text/ascii.h"
#include "text/date.h"

namespace posthorn::mailfile {
namespace {

using std::chrono::floor;

constexpr std::string_view kFrom = "From ";

bool is_status(std::string_view line) {
  return text::istarts_with(line, "Status:") || text::istarts_with(line, "X-Status:");
}

bool has_time_of_day(std::string_view s) {
  for (auto colon = s.find(':'); colon != s.npos; colon = s.find(':', colon + 1))
    if (colon > 0 && colon + 1 < s.size() && text::is_digit(s[colon - 1]) && text::is_digit(s[colon + 1]))
      return true;
  return false;
}

}  // namespace

std::string mbox_from_line(std::string_view sender, SysTime when) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const bool fits = !sender.empty() && sender.size() < 1000 && std::ranges::none_of(sender, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  const auto day = floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(floor<std::chrono::seconds>(when - day));
  char text[64];
  std::snprintf(text, sizeof text, "%s %s %2u %02d:%02d:%02d %04d",
                kDays[std::chrono::weekday(day).c_encoding()],
                kMonths[(static_cast<unsigned>(date.month()) - 1) % 12], static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(date.year()));
  return std::string(kFrom) + (fits ? std::string(sender) : "MAILER-DAEMON") + " " + text;
}

std::optional<MboxFromLine> parse_mbox_from_line(std::string_view line) {
  if (!line.starts_with(kFrom) || line.size() > 2000) return {};
  auto rest = text::trim(line.substr(kFrom.size()));
  const auto space = rest.find(' ');
  if (space == rest.npos || !has_time_of_day(rest.substr(space))) return {};
  MboxFromLine out{.sender = std::string(rest.substr(0, space)), .when = {}};
  // [RFC4155 Appendix A] asctime(), in UTC; old programs put a zone before or behind the year.
  if (const auto when = text::parse_rfc5322_date(text::trim(rest.substr(space))))
    out.when = SysTime(when->time);
  return out;
}

std::string flags_of_status(std::string_view status, std::string_view x_status) {
  std::string out;
  const auto has = [&](char c) { return status.find(c) != status.npos || x_status.find(c) != x_status.npos; };
  if (x_status.find('T') != x_status.npos) out += 'D';
  if (has('F')) out += 'F';
  if (has('A')) out += 'R';
  if (has('R')) out += 'S';
  if (has('D')) out += 'T';
  return out;
}

std::string status_of_flags(std::string_view letters) {
  const auto has = [&](char c) { return letters.find(c) != letters.npos; };
  std::string out, x;
  if (has('S')) out = "Status: RO\n";
  if (has('R')) x += 'A';
  if (has('F')) x += 'F';
  if (has('D')) x += 'T';
  if (has('T')) x += 'D';
  return x.empty() ? out : out + "X-Status: " + x + "\n";
}

bool is_quoted_from(std::string_view line, std::size_t least) {
  const auto quotes = std::min(line.find_first_not_of('>'), line.size());
  return quotes >= least && line.substr(quotes).starts_with(kFrom);
}

void MboxEncoder::begin(std::string& out, std::string_view sender, SysTime when, std::string_view flags) {
  *this = {};
  flags_ = flags;
  out += mbox_from_line(sender, when) + "\n";
}

void MboxEncoder::put(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto lf = bytes.find('\n');
    const bool whole = lf != bytes.npos;
    auto piece = bytes.substr(0, whole ? lf + 1 : lf);
    if (!rest_of_line_) piece = piece.substr(0, kMboxLine - line_.size());
    bytes.remove_prefix(piece.size());
    const bool ends = piece.ends_with('\n');
    if (rest_of_line_) {
      if (!dropping_) out += piece;
    } else if (ends && line_.empty()) {
      take_line(out, piece);
    } else {
      line_ += piece;
      if (!ends && line_.size() < kMboxLine) continue;
      take_line(out, line_);
      line_.clear();
    }
    last_ = piece.back();
    rest_of_line_ = !ends;
  }
}

// A whole line, or the beginning of one that is too long to be looked at.
void MboxEncoder::take_line(std::string& out, std::string_view line) {
  if (in_header_) {
    if (line == "\n" || line == "\r\n")
      end_header(out);
    else if (!text::is_wsp(line.front()))
      dropping_ = is_status(line);
    if (dropping_) return;
  }
  if (is_quoted_from(line, 0)) out += '>';
  out += line;
}

void MboxEncoder::end_header(std::string& out) {
  in_header_ = dropping_ = false;
  out += status_of_flags(flags_);
}

void MboxEncoder::finish(std::string& out) {
  if (!line_.empty()) {
    take_line(out, line_);
    last_ = line_.back();
  }
  if (last_ != '\n' && !dropping_) out += '\n';
  if (in_header_) end_header(out);
  out += '\n';
  line_.clear();
}

}  // namespace posthorn::mailfile
