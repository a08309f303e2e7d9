#include "base/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

namespace posthorn {
namespace {

// A plain pointer, constant-initialised: settings of any source file may register before main() in any order.
constinit std::atomic<const SettingBase*> g_first{nullptr};

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
// The largest first; the first spelling of a factor is the one we print.
constexpr Unit kSizes[] = {{"TiB", 1LL << 40},
                           {"GiB", 1LL << 30},
                           {"MiB", 1LL << 20},
                           {"KiB", 1LL << 10},
                           {"TB", 1LL << 40},
                           {"GB", 1LL << 30},
                           {"MB", 1LL << 20},
                           {"KB", 1LL << 10},
                           {"T", 1LL << 40},
                           {"G", 1LL << 30},
                           {"M", 1LL << 20},
                           {"K", 1LL << 10},
                           {"B", 1}};
constexpr Unit kTimes[] = {
    {"d", 86'400'000},   {"h", 3'600'000},     {"min", 60'000},     {"s", 1000},          {"ms", 1},
    {"day", 86'400'000}, {"days", 86'400'000}, {"hour", 3'600'000}, {"hours", 3'600'000}, {"minute", 60'000},
    {"minutes", 60'000}, {"m", 60'000},        {"sec", 1000},       {"second", 1000},     {"seconds", 1000}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// A double holds every int64 up to 2^53 exactly; larger sizes and times are out of any range of ours.
constexpr double kMaxScaled = 9007199254740992.0;

std::optional<std::int64_t> scaled(double number, std::int64_t factor) {
  const double result = number * static_cast<double>(factor);
  if (!std::isfinite(result) || result < 0 || result > kMaxScaled) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(result));
}

std::optional<std::int64_t> take_quantity(std::string_view text, std::span<const Unit> units,
                                          std::int64_t bare_factor) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.empty()) return scaled(number, bare_factor);
  for (const Unit& u : units)
    if (same_word(u.name, unit)) return scaled(number, u.factor);
  return std::nullopt;
}

// [value] in the largest unit that gives a whole number.
std::string quantity_text(std::int64_t value, std::span<const Unit> units, std::string_view bare) {
  if (value != 0)
    for (const Unit& u : units)
      if (value % u.factor == 0) return std::to_string(value / u.factor) + " " + std::string(u.name);
  return std::to_string(value) + " " + std::string(bare);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

const std::string* intern(std::string_view text) {
  static std::mutex mutex;
  static auto* const pool = new std::set<std::string, std::less<>>;  // never freed: readers keep references
  const std::lock_guard lock(mutex);
  return &*pool->emplace(text).first;
}

}  // namespace

SettingBase::SettingBase(Kind kind, std::string_view name, Numbers numbers,
                         std::span<const std::string_view> choices, std::string_view text,
                         std::string_view help, const TextForm* form)
    : name_(name),
      help_(help),
      kind_(kind),
      default_(numbers.value),
      min_(numbers.min),
      max_(numbers.max),
      choices_(choices),
      default_string_(text),
      form_(form),
      number_(numbers.value),
      text_(intern(text)),
      next_(nullptr) {
  if (kind != Kind::text) CHECK(min_ <= default_ && default_ <= max_);
  next_ = g_first.load();
  while (!g_first.compare_exchange_weak(next_, this)) {
  }
}

std::string SettingBase::number_text(std::int64_t value) const {
  switch (kind_) {
    case Kind::boolean:
      return value ? "true" : "false";
    case Kind::integer:
      return std::to_string(value);
    case Kind::size:
      return in_quotes(size_text(value));
    case Kind::duration:
      return in_quotes(duration_text(std::chrono::milliseconds(value)));
    case Kind::choice:
      return in_quotes(choices_[static_cast<std::size_t>(value)]);
    case Kind::text:
      break;
  }
  return {};
}

std::string SettingBase::default_text() const {
  return kind_ == Kind::text ? in_quotes(default_string_) : number_text(default_);
}

std::string SettingBase::current_text() const {
  return kind_ == Kind::text ? in_quotes(text()) : number_text(number());
}

std::string SettingBase::allowed_text() const {
  if (kind_ == Kind::boolean) return "true or false";
  if (kind_ == Kind::text) return form_ ? std::string(form_->allowed) : "text";
  if (kind_ != Kind::choice) return number_text(min_) + " to " + number_text(max_);
  std::string out;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    if (i > 0) out += i + 1 == choices_.size() ? " or " : ", ";
    out += in_quotes(choices_[i]);
  }
  return out;
}

Result<std::int64_t> SettingBase::to_number(const SettingValue& value) const {
  const auto* const integer = std::get_if<std::int64_t>(&value);
  const auto* const real = std::get_if<double>(&value);
  const auto* const word = std::get_if<std::string>(&value);
  std::optional<std::int64_t> number;
  switch (kind_) {
    case Kind::boolean:
      if (const auto* const b = std::get_if<bool>(&value)) return *b ? 1 : 0;
      return fail(Errc::invalid, "must be true or false (without quotes)");
    case Kind::integer:
      if (!integer) return fail(Errc::invalid, "must be a whole number (without quotes)");
      number = *integer;
      break;
    case Kind::size:
      if (integer) number = *integer;
      if (word) number = take_quantity(*word, kSizes, 1);
      if (!number) return fail(Errc::invalid, "must be a size such as 10485760 or \"10 MiB\"");
      break;
    case Kind::duration:
      if (integer) number = scaled(static_cast<double>(*integer), 1000);
      if (real) number = scaled(*real, 1000);
      if (word) number = take_quantity(*word, kTimes, 1000);
      if (!number)
        return fail(Errc::invalid, "must be a time such as 90 (seconds), \"90 s\", \"35 min\" or \"2 h\"");
      break;
    case Kind::choice:
      for (std::size_t i = 0; word && i < choices_.size(); ++i)
        if (choices_[i] == *word) return static_cast<std::int64_t>(i);
      return fail(Errc::invalid, "must be " + allowed_text());
    case Kind::text:
      break;
  }
  if (*number < min_ || *number > max_)
    return fail(Errc::invalid, "is out of range: allowed is " + allowed_text());
  return *number;
}

Result<void> SettingBase::check(const SettingValue& value) const {
  if (kind_ == Kind::text) {
    const auto* const text = std::get_if<std::string>(&value);
    if (!text) return fail(Errc::invalid, "must be text in quotes");
    return form_ ? form_->check(*text) : Result<void>();
  }
  TRY_OK(to_number(value));
  return {};
}

Result<void> SettingBase::set(const SettingValue& value) const {
  TRY_OK(check(value));
  if (kind_ == Kind::text) {
    text_.store(intern(std::get<std::string>(value)), std::memory_order_release);
    return {};
  }
  TRY(const auto number, to_number(value));
  number_.store(number, std::memory_order_relaxed);
  return {};
}

void SettingBase::reset() const {
  number_.store(default_, std::memory_order_relaxed);
  if (kind_ == Kind::text) text_.store(intern(default_string_), std::memory_order_release);
}

std::vector<const SettingBase*> all_settings() {
  std::vector<const SettingBase*> all;
  for (const SettingBase* s = g_first.load(); s; s = s->next_) all.push_back(s);
  std::ranges::sort(all, {}, &SettingBase::name);
  // Two settings of one name: one of them would silently keep its default.
  CHECK(std::ranges::adjacent_find(all, {}, &SettingBase::name) == all.end());
  return all;
}

const SettingBase* find_setting(std::string_view name) {
  for (const SettingBase* s : all_settings())
    if (s->name() == name) return s;
  return nullptr;
}

Result<std::int64_t> parse_size(std::string_view text) {
  if (const auto n = take_quantity(text, kSizes, 1)) return *n;
  return fail(Errc::invalid, "not a size such as 10485760 or \"10 MiB\"");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (const auto n = take_quantity(text, kTimes, 1000)) return std::chrono::milliseconds(*n);
  return fail(Errc::invalid, "not a time such as 90 (seconds), \"90 s\", \"35 min\" or \"2 h\"");
}

std::string size_text(std::int64_t bytes) { return quantity_text(bytes, kSizes, "B"); }

std::string duration_text(std::chrono::milliseconds d) { return quantity_text(d.count(), kTimes, "s"); }

}  // namespace posthorn
