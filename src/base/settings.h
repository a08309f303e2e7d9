// Settings: what an operator may change without a new build.
//
// A setting is declared once, at namespace scope, in the module that reads it, with its dotted name, its
// default, its range and its sentence for the manual:
//
//   inline const Setting<std::chrono::seconds> kIdleTimeout{"imap.idle_timeout", 35min, 30min, 24h,
//       "Close a connection that has been in IDLE this long without traffic."};
//   ... kIdleTimeout.get() ...
//
// Types and what the file may say for them:
//   bool                                true, false
//   std::int64_t                        a whole number
//   Bytes                               10485760 or "10 MiB" (B, KiB, MiB, GiB, TiB; KB, MB ... are the same)
//   std::chrono::seconds/milliseconds   2100 or 0.5 (seconds), or "35 min" (ms, s, min, h, d)
//   std::string                         any text
//   an enum                             one of the names given, in the order of the enumerators from 0
//
// get() is one atomic load, from any thread, at any time; a reload of the configuration may change the value
// between two calls.  Names, sentences and choices must be literals (they live for ever).
// In the file, "imap.idle_timeout" is the key idle_timeout of the table [imap]; config/ finds settings by
// name.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/result.h"

namespace posthorn {

enum class Bytes : std::int64_t {};  // a size in bytes
constexpr Bytes operator""_B(unsigned long long n) { return Bytes(static_cast<std::int64_t>(n)); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(static_cast<std::int64_t>(n << 10)); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(static_cast<std::int64_t>(n << 20)); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(static_cast<std::int64_t>(n << 30)); }

using SettingValue = std::variant<bool, std::int64_t, double, std::string>;  // as the file says it

// What a text must look like where not every text will do.
struct TextForm {
  Result<void> (*check)(std::string_view);  // Errc::invalid, with a text that begins with what is wrong
  std::string_view allowed;                 // for the manual
};

// What all settings have in common; the registry knows them as this.
class SettingBase {
 public:
  enum class Kind { boolean, integer, size, duration, text, choice };

  SettingBase(const SettingBase&) = delete;
  SettingBase& operator=(const SettingBase&) = delete;

  std::string_view name() const { return name_; }
  std::string_view help() const { return help_; }
  Kind kind() const { return kind_; }
  std::string default_text() const;  // as one would write it in the file, e.g.  "35 min"  with its quotes
  std::string current_text() const;
  std::string allowed_text() const;  // "30 min to 24 h", "true or false", "\"a\", \"b\" or \"c\"", "text"

  // Says whether `value` is allowed; on failure the text says what is allowed instead (Errc::invalid).
  Result<void> check(const SettingValue& value) const;
  // check(), then takes effect at once for every reader.
  Result<void> set(const SettingValue& value) const;
  void reset() const;  // back to the default

 protected:
  struct Numbers {
    std::int64_t value, min, max;
  };
  SettingBase(Kind, std::string_view name, Numbers, std::span<const std::string_view> choices,
              std::string_view text, std::string_view help, const TextForm* form = nullptr);
  ~SettingBase() = default;
  std::int64_t number() const { return number_.load(std::memory_order_relaxed); }
  const std::string& text() const { return *text_.load(std::memory_order_acquire); }

 private:
  friend std::vector<const SettingBase*> all_settings();
  Result<std::int64_t> to_number(const SettingValue&) const;
  std::string number_text(std::int64_t) const;

  const std::string_view name_, help_;
  const Kind kind_;
  const std::int64_t default_, min_, max_;  // durations in milliseconds
  const std::span<const std::string_view> choices_;
  const std::string_view default_string_;
  const TextForm* const form_;  // of a text; null: any will do
  mutable std::atomic<std::int64_t> number_;
  mutable std::atomic<const std::string*> text_;  // interned, never freed: reloads are rare
  const SettingBase* next_;
};

template <class T>
class Setting;

template <>
class Setting<bool> final : public SettingBase {
 public:
  Setting(std::string_view name, bool value, std::string_view help)
      : SettingBase(Kind::boolean, name, {value, 0, 1}, {}, {}, help) {}
  bool get() const { return number() != 0; }
};

template <>
class Setting<std::int64_t> final : public SettingBase {
 public:
  Setting(std::string_view name, std::int64_t value, std::int64_t min, std::int64_t max,
          std::string_view help)
      : SettingBase(Kind::integer, name, {value, min, max}, {}, {}, help) {}
  std::int64_t get() const { return number(); }
};

template <>
class Setting<Bytes> final : public SettingBase {
 public:
  Setting(std::string_view name, Bytes value, Bytes min, Bytes max, std::string_view help)
      : SettingBase(Kind::size, name,
                    {static_cast<std::int64_t>(value), static_cast<std::int64_t>(min),
                     static_cast<std::int64_t>(max)},
                    {}, {}, help) {}
  std::int64_t get() const { return number(); }  // bytes
};

template <class Rep, class Period>
class Setting<std::chrono::duration<Rep, Period>> final : public SettingBase {
 public:
  using Duration = std::chrono::duration<Rep, Period>;
  using Ms = std::chrono::milliseconds;
  Setting(std::string_view name, Ms value, Ms min, Ms max, std::string_view help)
      : SettingBase(Kind::duration, name, {value.count(), min.count(), max.count()}, {}, {}, help) {}
  Duration get() const { return std::chrono::duration_cast<Duration>(Ms(number())); }
};

template <>
class Setting<std::string> final : public SettingBase {
 public:
  Setting(std::string_view name, std::string_view value, std::string_view help)
      : SettingBase(Kind::text, name, {0, 0, 0}, {}, value, help) {}
  // `form` lives for ever.  REQUIRES: it allows `value`.
  Setting(std::string_view name, std::string_view value, const TextForm& form, std::string_view help)
      : SettingBase(Kind::text, name, {0, 0, 0}, {}, value, help, &form) {}
  const std::string& get() const { return text(); }  // the reference stays valid for ever
};

template <class E>
  requires(std::is_enum_v<E> && !std::is_same_v<E, Bytes>)
class Setting<E> final : public SettingBase {
 public:
  Setting(std::string_view name, E value, std::span<const std::string_view> names, std::string_view help)
      : SettingBase(Kind::choice, name,
                    {static_cast<std::int64_t>(value), 0, static_cast<std::int64_t>(names.size()) - 1}, names,
                    {}, help) {}
  E get() const { return static_cast<E>(number()); }
};

// Every setting linked into this program, ordered by name.  Call after main() has begun.
std::vector<const SettingBase*> all_settings();
const SettingBase* find_setting(std::string_view name);  // nullptr when there is none

// The readers of sizes and durations, for other text that holds them.
Result<std::int64_t> parse_size(std::string_view);                   // "10 MiB", "512"
Result<std::chrono::milliseconds> parse_duration(std::string_view);  // "35 min", "1.5 h", "20"
std::string size_text(std::int64_t bytes);             // "10 MiB": the largest unit that is exact
std::string duration_text(std::chrono::milliseconds);  // "35 min"

}  // namespace posthorn
