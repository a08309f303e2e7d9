#include "text/date.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "text/ascii.h"

namespace posthorn::text {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// [RFC5322 4.3] The zone names; the military letters mean nothing reliable and count as UTC, as do unknown
// names.
struct Zone {
  std::string_view name;
  int hours;
};
constexpr Zone kZones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                           {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};

// 1..12, or 0.  Only the first three letters count: "Sept", "January".
unsigned month_of(std::string_view word) {
  for (unsigned m = 0; m < 12; ++m)
    if (istarts_with(word, kMonths[m])) return m + 1;
  return 0;
}

std::unexpected<Error> bad_date() { return fail(Errc::syntax, "not a date"); }

// Over the text of a date; comments and folding white space count as white space.
class Cursor {
 public:
  explicit Cursor(std::string_view s) : rest_(s) {}

  bool at_end() {
    skip();
    return rest_.empty();
  }
  char peek() {
    skip();
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Letters; empty when there is none.
  std::string_view take_word() {
    skip();
    return take_while([](char c) { return is_alpha(c); });
  }
  // A number of at most 9 digits, with how many it had.
  struct Number {
    int value = 0;
    std::size_t digits = 0;
  };
  std::optional<Number> take_number() {
    skip();
    const std::string_view text = take_while([](char c) { return is_digit(c); });
    if (text.empty() || text.size() > 9) return std::nullopt;
    Number n{0, text.size()};
    for (const char c : text) n.value = n.value * 10 + (c - '0');
    return n;
  }

 private:
  template <class Is>
  std::string_view take_while(Is is) {
    std::size_t n = 0;
    while (n < rest_.size() && is(rest_[n])) ++n;
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  void skip() {
    std::size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(') {
        ++depth;
      } else if (c == ')' && depth > 0) {
        --depth;
      } else if (c == '\\' && depth > 0 && rest_.size() > 1) {
        rest_.remove_prefix(1);
      } else if (depth == 0 && !is_space(c)) {
        return;
      }
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
};

struct Fields {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  int offset_minutes = 0;
};

Result<DateTime> to_date_time(const Fields& f) {
  const year_month_day date(std::chrono::year(f.year), std::chrono::month(f.month), std::chrono::day(f.day));
  if (f.year < 1900 || f.year > 9999 || !date.ok()) return bad_date();
  if (f.hour > 23 || f.minute > 59 || f.second > 60) return bad_date();
  const auto local = sys_seconds(sys_days(date)) + std::chrono::hours(f.hour) + minutes(f.minute) +
                     std::chrono::seconds(std::min(f.second, 59));  // a leap second stays in its day
  return DateTime{local - minutes(f.offset_minutes), f.offset_minutes};
}

bool take_year(Cursor& in, Fields& f) {
  const auto n = in.take_number();
  if (!n) return false;
  f.year = n->value;
  // [RFC5322 4.3] Two digits: 00..49 are 2000 and up; three digits count from 1900.
  if (n->digits <= 2) f.year += n->value < 50 ? 2000 : 1900;
  if (n->digits == 3) f.year += 1900;
  // "0102" is what year 2000 bugs made of 2002.
  if (n->digits == 4 && n->value < 200) f.year += n->value < 50 ? 2000 : 1900;
  return true;
}

bool take_month(Cursor& in, Fields& f) {
  f.month = month_of(in.take_word());
  return f.month != 0;
}

bool take_day(Cursor& in, Fields& f) {
  const auto n = in.take_number();
  if (!n || n->value > 31) return false;
  f.day = static_cast<unsigned>(n->value);
  return true;
}

// hour ":" minute [":" second]; "." as separator, fractions and AM/PM are real mail's.
bool take_time(Cursor& in, Fields& f) {
  const auto hour = in.take_number();
  if (!hour || hour->value > 23 || !(in.take(':') || in.take('.'))) return false;
  const auto minute = in.take_number();
  if (!minute) return false;
  f.hour = hour->value;
  f.minute = minute->value;
  if (in.take(':') || in.take('.')) {
    const auto second = in.take_number();
    if (!second) return false;
    f.second = second->value;
    if (in.take('.')) in.take_number();
  }
  return true;
}

void take_numeric_zone(Cursor& in, Fields& f) {
  const bool negative = in.peek() == '-';
  const bool has_sign = in.take('+') || in.take('-');
  const auto n = in.take_number();
  if (!n || (!has_sign && n->digits != 4)) return;  // what it could be is not clear: UTC
  int hours = n->value / 100, mins = n->value % 100;
  if (n->digits <= 2) {
    hours = n->value, mins = 0;
    if (in.take(':'))
      if (const auto m = in.take_number()) mins = m->value;
  }
  if (hours > 23 || mins > 59) return;  // nonsense counts as UTC
  f.offset_minutes = (negative ? -1 : 1) * (hours * 60 + mins);
}

enum class YearFollows { no, yes };

// Everything here is optional, and what cannot be read counts as UTC.
void take_zone(Cursor& in, Fields& f, YearFollows year = YearFollows::no) {
  std::string_view word = in.take_word();
  if (f.hour <= 12 && (iequals(word, "AM") || iequals(word, "PM"))) {
    f.hour = f.hour % 12 + (iequals(word, "PM") ? 12 : 0);
    word = in.take_word();
  }
  for (const Zone& zone : kZones)
    if (iequals(zone.name, word)) {
      f.offset_minutes = zone.hours * 60;
      return;
    }
  if (year == YearFollows::no || in.peek() == '+' || in.peek() == '-') take_numeric_zone(in, f);
}

// asctime(): Mon Jan  1 00:00:00 [zone] 1970
bool take_asctime(Cursor& in, Fields& f) {
  if (!take_month(in, f) || !take_day(in, f)) return false;
  in.take(',');
  if (!take_time(in, f)) return false;
  take_zone(in, f, YearFollows::yes);
  if (!take_year(in, f)) return false;
  if (f.offset_minutes == 0) take_zone(in, f);
  return true;
}

bool take_day_first(Cursor& in, Fields& f) {
  if (!take_day(in, f)) return false;
  in.take('-') || in.take('.') || in.take('/');
  if (!take_month(in, f)) return false;
  in.take('.');
  in.take('-') || in.take(',') || in.take('/');
  if (!take_year(in, f)) return false;
  in.take(',');
  if (in.at_end()) return true;  // a date alone: midnight
  if (!take_time(in, f)) return false;
  take_zone(in, f);
  return true;
}

void put_padded(std::string& out, std::int64_t value, std::size_t width, char pad = '0') {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), pad);
  out += digits;
}

void put_zone(std::string& out, int offset_minutes) {
  out += offset_minutes < 0 ? '-' : '+';
  put_padded(out, std::abs(offset_minutes) / 60 * 100 + std::abs(offset_minutes) % 60, 4);
}

void put_time(std::string& out, std::chrono::seconds of_day) {
  put_padded(out, of_day.count() / 3600, 2);
  out += ':';
  put_padded(out, of_day.count() / 60 % 60, 2);
  out += ':';
  put_padded(out, of_day.count() % 60, 2);
}

void put_date(std::string& out, sys_days date, char separator, char day_pad) {
  const year_month_day ymd(date);
  put_padded(out, static_cast<unsigned>(ymd.day()), day_pad == '\0' ? 1 : 2, day_pad);
  out += separator;
  out += kMonths[static_cast<unsigned>(ymd.month()) - 1];
  out += separator;
  put_padded(out, static_cast<int>(ymd.year()), 4);
}

// Exactly `digits` digits, or all there are (1..digits) with Width::up_to.
enum class Width { exactly, up_to };
bool take_digits(std::string_view& s, std::size_t digits, Width width, int& value) {
  std::size_t n = 0;
  value = 0;
  while (n < digits && n < s.size() && is_digit(s[n])) value = value * 10 + (s[n++] - '0');
  s.remove_prefix(n);
  return n > 0 && (width == Width::up_to || n == digits);
}

bool take_char(std::string_view& s, char c) {
  if (s.empty() || s.front() != c) return false;
  s.remove_prefix(1);
  return true;
}

// [RFC3501 9] date-day "-" date-month "-" date-year
bool take_imap_date(std::string_view& s, Fields& f) {
  int day = 0;
  if (!take_digits(s, 2, Width::up_to, day) || !take_char(s, '-') || s.size() < 3) return false;
  f.day = static_cast<unsigned>(day);
  for (unsigned m = 0; m < 12; ++m)
    if (iequals(s.substr(0, 3), kMonths[m])) f.month = m + 1;
  s.remove_prefix(3);
  return f.month != 0 && take_char(s, '-') && take_digits(s, 4, Width::exactly, f.year);
}

}  // namespace

sys_days local_date(const DateTime& d) {
  return std::chrono::floor<days>(d.time + minutes(d.offset_minutes));
}

Result<DateTime> parse_rfc5322_date(std::string_view s) {
  Cursor in(s);
  Fields f;
  if (is_alpha(in.peek())) {
    Cursor ahead = in;
    if (month_of(ahead.take_word()) == 0) in = ahead;  // a day name, right or wrong
    in.take('.');
    in.take(',');
  }
  if (!(is_alpha(in.peek()) ? take_asctime(in, f) : take_day_first(in, f))) return bad_date();
  return to_date_time(f);
}

std::string format_rfc5322_date(const DateTime& d) {
  const sys_seconds local = d.time + minutes(d.offset_minutes);
  const sys_days date = std::chrono::floor<days>(local);
  std::string out(kDays[std::chrono::weekday(date).c_encoding()]);
  out += ", ";
  put_date(out, date, ' ', '0');
  out += ' ';
  put_time(out, local - date);
  out += ' ';
  put_zone(out, d.offset_minutes);
  return out;
}

Result<DateTime> parse_imap_date_time(std::string_view s) {
  Fields f;
  int zone = 0;
  take_char(s, ' ');
  bool ok = take_imap_date(s, f) && take_char(s, ' ');
  ok = ok && take_digits(s, 2, Width::exactly, f.hour) && take_char(s, ':');
  ok = ok && take_digits(s, 2, Width::exactly, f.minute) && take_char(s, ':');
  ok = ok && take_digits(s, 2, Width::exactly, f.second) && take_char(s, ' ');
  if (!ok || s.size() != 5) return bad_date();
  const bool negative = s.front() == '-';
  if (!take_char(s, '+') && !take_char(s, '-')) return bad_date();
  if (!take_digits(s, 4, Width::exactly, zone) || zone % 100 > 59 || zone / 100 > 23) return bad_date();
  f.offset_minutes = (negative ? -1 : 1) * (zone / 100 * 60 + zone % 100);
  return to_date_time(f);
}

std::string format_imap_date_time(const DateTime& d) {
  const sys_seconds local = d.time + minutes(d.offset_minutes);
  const sys_days date = std::chrono::floor<days>(local);
  std::string out;
  put_date(out, date, '-', ' ');  // [RFC3501 9] date-day-fixed
  out += ' ';
  put_time(out, local - date);
  out += ' ';
  put_zone(out, d.offset_minutes);
  return out;
}

Result<sys_days> parse_imap_date(std::string_view s) {
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') s = s.substr(1, s.size() - 2);
  Fields f;
  if (!take_imap_date(s, f) || !s.empty()) return bad_date();
  TRY(const DateTime midnight, to_date_time(f));
  return std::chrono::floor<days>(midnight.time);
}

std::string format_imap_date(sys_days d) {
  std::string out;
  put_date(out, d, '-', '\0');
  return out;
}

Result<DateTime> parse_rfc3339_date_time(std::string_view s) {
  Fields f;
  int month = 0, day = 0;
  bool ok = take_digits(s, 4, Width::exactly, f.year) && take_char(s, '-');
  ok = ok && take_digits(s, 2, Width::exactly, month) && take_char(s, '-') && take_digits(s, 2, Width::exactly, day);
  ok = ok && (take_char(s, 'T') || take_char(s, 't'));
  ok = ok && take_digits(s, 2, Width::exactly, f.hour) && take_char(s, ':');
  ok = ok && take_digits(s, 2, Width::exactly, f.minute) && take_char(s, ':');
  if (!ok || !take_digits(s, 2, Width::exactly, f.second)) return bad_date();
  if (take_char(s, '.')) {
    const auto digits = std::find_if_not(s.begin(), s.end(), [](char c) { return is_digit(c); }) - s.begin();
    if (digits == 0) return bad_date();
    s.remove_prefix(static_cast<std::size_t>(digits));
  }
  f.month = static_cast<unsigned>(month);
  f.day = static_cast<unsigned>(day);
  if (take_char(s, 'Z') || take_char(s, 'z')) return s.empty() ? to_date_time(f) : bad_date();
  const bool negative = s.starts_with('-');
  int hours = 0, minutes_east = 0;
  ok = (take_char(s, '+') || take_char(s, '-')) && take_digits(s, 2, Width::exactly, hours) && take_char(s, ':') &&
       take_digits(s, 2, Width::exactly, minutes_east) && s.empty();
  if (!ok || hours > 23 || minutes_east > 59) return bad_date();
  f.offset_minutes = (negative ? -1 : 1) * (hours * 60 + minutes_east);
  return to_date_time(f);
}

std::string format_rfc3339_utc(sys_seconds time) {
  const sys_days date = std::chrono::floor<days>(time);
  const year_month_day ymd(date);
  const std::chrono::hh_mm_ss clock(time - date);
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02dZ", int(ymd.year()), unsigned(ymd.month()), unsigned(ymd.day()),
                int(clock.hours().count()), int(clock.minutes().count()), int(clock.seconds().count()));
  return buffer;
}

}  // namespace posthorn::text
