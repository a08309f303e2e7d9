#include "delivery/sts_policy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

constexpr std::string_view kVersion = "v=STSv1";

bool is_alnum(char c) { return text::is_alpha(c) || text::is_digit(c); }

std::string_view trim_wsp(std::string_view s) {
  while (!s.empty() && text::is_wsp(s.front())) s.remove_prefix(1);
  while (!s.empty() && text::is_wsp(s.back())) s.remove_suffix(1);
  return s;
}

// [RFC8461 3.1] A record of another version is none of ours.
bool is_sts_record(std::string_view record) {
  if (!record.starts_with(kVersion)) return false;
  return trim_wsp(record.substr(kVersion.size())).starts_with(';');
}

bool is_id(std::string_view s) { return !s.empty() && s.size() <= 32 && std::ranges::all_of(s, is_alnum); }

// A name of letters, digits, hyphens and dots, with "*." before it or not.
bool is_pattern(std::string_view s) {
  if (s.starts_with("*.")) s.remove_prefix(2);
  if (s.empty() || s.size() > 253 || s.starts_with('.') || s.ends_with('.') || s.find("..") != s.npos) return false;
  return std::ranges::all_of(s, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

// One "key: value".
struct Field {
  std::string_view key, value;
};
std::optional<Field> field_of(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == line.npos) return {};
  const auto key = line.substr(0, colon);
  const bool good_key = key.size() <= 32 && std::ranges::all_of(key, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
  if (!good_key) return {};
  return Field{key, trim_wsp(line.substr(colon + 1))};
}

std::optional<StsPolicy::Mode> mode_of(std::string_view s) {
  for (const auto mode : {StsPolicy::Mode::enforce, StsPolicy::Mode::testing, StsPolicy::Mode::none})
    if (s == to_string(mode)) return mode;
  return {};
}

std::optional<std::chrono::seconds> age_of(std::string_view s) {
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (code != std::errc() || end != s.data() + s.size() || s.size() > 10) return {};
  return std::min(StsLimits::kMaxAge, std::chrono::seconds(static_cast<std::int64_t>(n)));
}

}  // namespace

std::string_view to_string(StsPolicy::Mode mode) {
  switch (mode) {
    case StsPolicy::Mode::enforce: return "enforce";
    case StsPolicy::Mode::testing: return "testing";
    case StsPolicy::Mode::none: return "none";
  }
  return "?";
}

bool StsPolicy::allows(std::string_view host) const {
  const auto name = text::to_lower(host);
  return std::ranges::any_of(mx, [&](const std::string& raw) {
    const auto pattern = text::to_lower(raw);
    if (!pattern.starts_with("*.")) return pattern == name;
    const auto dot = name.find('.');
    return dot != name.npos && dot > 0 && std::string_view(name).substr(dot) == std::string_view(pattern).substr(1);
  });
}

std::vector<std::string> StsPolicy::lines() const {
  std::vector<std::string> out = {"version: STSv1", "mode: " + std::string(to_string(mode))};
  for (const auto& pattern : mx) out.push_back("mx: " + pattern);
  out.push_back("max_age: " + std::to_string(max_age.count()));
  return out;
}

Result<std::string> sts_id(std::span<const std::string> records) {
  std::optional<std::string_view> ours;
  for (const std::string_view record : records) {
    if (!is_sts_record(record)) continue;
    if (ours) return fail(Errc::syntax, "there are several MTA-STS records");
    ours = record;
  }
  if (!ours) return fail(Errc::not_found, "there is no MTA-STS record");
  std::string_view rest = ours->substr(ours->find(';') + 1);
  std::optional<std::string> id;
  while (!rest.empty()) {
    const auto n = std::min(rest.find(';'), rest.size());
    const auto field = trim_wsp(rest.substr(0, n));
    rest.remove_prefix(std::min(n + 1, rest.size()));
    if (field.empty() && trim_wsp(rest).empty()) break;  // behind the last ';'
    const auto equals = field.find('=');
    if (equals == 0 || equals == field.npos) return fail(Errc::syntax, "the MTA-STS record is damaged");
    if (field.substr(0, equals) != "id" || id) continue;
    if (!is_id(field.substr(equals + 1))) return fail(Errc::syntax, "the id of the MTA-STS record is damaged");
    id = field.substr(equals + 1);
  }
  if (!id) return fail(Errc::syntax, "the MTA-STS record has no id");
  return *std::move(id);
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
  if (text.size() > StsLimits::kPolicy) return fail(Errc::too_large, "the policy is longer than 64 KiB");
  StsPolicy out;
  bool version = false;
  std::optional<StsPolicy::Mode> mode;
  std::optional<std::chrono::seconds> max_age;
  while (!text.empty()) {
    const auto n = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, n);
    text.remove_prefix(std::min(n + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim_wsp(line);
    if (line.empty()) continue;  // Departure: people like empty lines
    const auto field = field_of(line);
    if (!field) return fail(Errc::syntax, "a line of the policy is no field");
    if (field->key == "version") {
      if (!version && field->value != "STSv1") return fail(Errc::syntax, "the policy is of another version");
      version = true;
    } else if (field->key == "mode" && !mode) {
      mode = mode_of(field->value);
      if (!mode) return fail(Errc::syntax, "the policy has an unknown mode");
    } else if (field->key == "max_age" && !max_age) {
      max_age = age_of(field->value);
      if (!max_age) return fail(Errc::syntax, "max_age of the policy is no number");
    } else if (field->key == "mx") {
      if (!is_pattern(field->value)) return fail(Errc::syntax, "the policy has an mx that is no name");
      if (out.mx.size() == StsLimits::kPatterns) return fail(Errc::too_large, "the policy names more than 500 hosts");
      out.mx.push_back(text::to_lower(field->value));
    }
  }
  if (!version || !mode || !max_age) return fail(Errc::syntax, "the policy lacks version, mode or max_age");
  if (*mode != StsPolicy::Mode::none && out.mx.empty()) return fail(Errc::syntax, "the policy names no mx");
  out.mode = *mode;
  out.max_age = *max_age;
  return out;
}

}  // namespace posthorn::delivery
