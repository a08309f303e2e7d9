#include "text/charset.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::text {
namespace {

// windows-1252, 0x80..0x9F; the five unassigned bytes are the C1 controls, as browsers do.
constexpr char16_t kWindows1252[32] = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                       0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

struct Alias {
  std::string_view label, use;
};

// What mail means by these labels is a superset of what they name, or ICU does not know the spelling.
constexpr Alias kAliases[] = {
    {"iso-8859-1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"latin-1", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"iso-8859-8-e", "iso-8859-8"},
    {"gb2312", "gb18030"},
    {"gb_2312-80", "gb18030"},
    {"gbk", "gb18030"},
    {"cp936", "gb18030"},
    {"ks_c_5601-1987", "windows-949"},
    {"ksc5601", "windows-949"},
    {"ks_c_5601", "windows-949"},
    {"euc-kr", "windows-949"},
    {"shift_jis", "windows-31j"},
    {"shift-jis", "windows-31j"},
    {"sjis", "windows-31j"},
    {"x-sjis", "windows-31j"},
    {"tis-620", "windows-874"},
    {"unicode-1-1-utf-7", "utf-7"},
    {"unicode-1-1-utf-8", "utf-8"},
    {"utf8mb4", "utf-8"},
    {"x-mac-roman", "macintosh"},
    {"mac", "macintosh"},
    {"cp-1251", "windows-1251"},
    {"win-1251", "windows-1251"},
    {"cp-1252", "windows-1252"},

};

enum class Kind { utf8, mixed, icu };
struct Choice {
  Kind kind = Kind::mixed;
  std::string name;  // ICU's own, from a fixed set, so that it may be a cache key
};

std::string clean(std::string_view label) {
  if (const auto star = label.find('*'); star != label.npos)
    label = label.substr(0, star);  // [RFC2231 5] language
  std::string out;
  for (const char c : label)
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '+')
      out += to_lower(c);
  return out.size() > 60 ? std::string() : out;
}

Choice choose_clean(std::string_view label) {
  for (const Alias& alias : kAliases)
    if (alias.label == label) {
      label = alias.use;
      break;
    }
  UErrorCode error = U_ZERO_ERROR;
  const char* name = ucnv_getAlias(std::string(label).c_str(), 0, &error);
  if (U_FAILURE(error) || name == nullptr || *name == '\0') return {};
  const std::string_view found = name;
  if (found == "UTF-8" || found == "CESU-8") return {Kind::utf8, "UTF-8"};
  if (found == "US-ASCII") return {Kind::mixed, "US-ASCII"};
  return {Kind::icu, name};
}

Choice choose(std::string_view label) {
  const std::string cleaned = clean(label);
  if (cleaned.empty()) return {};
  Choice choice = choose_clean(cleaned);
  if (choice.name.empty() && cleaned.starts_with("x-")) choice = choose_clean(cleaned.substr(2));
  return choice;
}

// Opening a converter costs microseconds to milliseconds, so each thread keeps a few of each.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  ~Cache() {
    for (auto& [name, idle] : idle_)
      for (UConverter* converter : idle) ucnv_close(converter);
  }
  UConverter* take(const std::string& name) {
    auto& idle = idle_[name];
    if (!idle.empty()) {
      UConverter* converter = idle.back();
      idle.pop_back();
      return converter;
    }
    UErrorCode error = U_ZERO_ERROR;
    UConverter* converter = ucnv_open(name.c_str(), &error);
    return U_SUCCESS(error) ? converter : nullptr;
  }
  void give_back(const std::string& name, UConverter* converter) {
    auto& idle = idle_[name];
    if (idle.size() >= kKept) return ucnv_close(converter);
    ucnv_reset(converter);
    idle.push_back(converter);
  }

 private:
  static constexpr std::size_t kKept = 2;
  std::unordered_map<std::string, std::vector<UConverter*>> idle_;
};

Cache& cache() {
  thread_local Cache per_thread;
  return per_thread;
}

}  // namespace

struct CharsetConverter::Impl {
  Choice choice;
  UConverter* converter = nullptr;  // of Kind::icu
  std::string held;                 // utf8 and mixed: the start of a cut character, at most 3 bytes
  char32_t high = 0;                // icu: a surrogate whose other half comes next

  void feed_utf8(std::string_view in, bool last, std::string& out);
  void feed_icu(std::string_view in, bool last, std::string& out);
  void put_malformed(std::string_view bytes, std::string& out) const;
  void put_unit(char16_t unit, std::string& out);
};

void CharsetConverter::Impl::put_malformed(std::string_view bytes, std::string& out) const {
  if (choice.kind == Kind::utf8) return append_utf8(out, kReplacement);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80] : byte);
  }
}

void CharsetConverter::Impl::feed_utf8(std::string_view in, bool last, std::string& out) {
  std::string joined;
  if (!held.empty()) {
    joined = std::exchange(held, {});
    joined += in;
    in = joined;
  }
  while (!in.empty()) {
    const std::size_t plain = ascii_prefix(in);
    out.append(in.substr(0, plain));
    in.remove_prefix(plain);
    if (in.empty()) return;
    const Utf8Step step = next_utf8(in);
    if (step.incomplete && !last) {
      held = in;
      return;
    }
    if (step.valid) {
      out.append(in.substr(0, step.length));
    } else {
      put_malformed(in.substr(0, step.length), out);
    }
    in.remove_prefix(step.length);
  }
}

void CharsetConverter::Impl::put_unit(char16_t unit, std::string& out) {
  const bool is_low = unit >= 0xDC00 && unit < 0xE000;
  if (high != 0) {
    append_utf8(out, is_low ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00U) : kReplacement);
    high = 0;
    if (is_low) return;
  }
  if (unit >= 0xD800 && unit < 0xDC00) {
    high = unit;
  } else {
    append_utf8(out, is_low ? kReplacement : unit);
  }
}

void CharsetConverter::Impl::feed_icu(std::string_view in, bool last, std::string& out) {
  const char* source = in.data();
  const char* const end = source + in.size();
  std::array<UChar, 1024> units;
  for (;;) {
    UErrorCode error = U_ZERO_ERROR;
    UChar* target = units.data();
    ucnv_toUnicode(converter, &target, units.data() + units.size(), &source, end, nullptr, last, &error);
    for (const UChar* unit = units.data(); unit != target; ++unit) put_unit(*unit, out);
    if (error == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_SUCCESS(error)) break;
    append_utf8(out, kReplacement);  // not expected: the substitution callback handles malformed input
    ucnv_reset(converter);
    if (source == end) break;
    ++source;
  }
  if (last && high != 0) {
    append_utf8(out, kReplacement);
    high = 0;
  }
}

CharsetConverter::CharsetConverter(std::string_view label) : impl_(std::make_unique<Impl>()) {
  impl_->choice = choose(label);
  if (impl_->choice.kind != Kind::icu) return;
  impl_->converter = cache().take(impl_->choice.name);
  if (impl_->converter == nullptr) impl_->choice = {};
}

CharsetConverter::~CharsetConverter() {
  if (impl_->converter != nullptr) cache().give_back(impl_->choice.name, impl_->converter);
}

void CharsetConverter::feed(std::string_view in, std::string& out) {
  if (in.empty()) return;
  impl_->converter != nullptr ? impl_->feed_icu(in, false, out) : impl_->feed_utf8(in, false, out);
}

void CharsetConverter::finish(std::string& out) {
  if (impl_->converter == nullptr) return impl_->feed_utf8({}, true, out);
  impl_->feed_icu({}, true, out);
  ucnv_reset(impl_->converter);
}

bool keeps_ascii(std::string_view label) {
  return label.empty() || iequals(label, "us-ascii") || iequals(label, "utf-8") || istarts_with(label, "iso-8859-") ||
         istarts_with(label, "windows-125");
}

bool is_known_charset(std::string_view label) { return !choose(label).name.empty(); }

std::string to_utf8(std::string_view label, std::string_view bytes) {
  std::string out;
  CharsetConverter converter(label);
  converter.feed(bytes, out);
  converter.finish(out);
  return out;
}

}  // namespace posthorn::text
