#include "config/report.h"

#include <algorithm>

#include "config/suggest.h"

namespace posthorn::config {
namespace {

constexpr std::size_t kMaxSuggestions = 200;

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// Settings whose last part is this key, whatever their table.
std::string setting_elsewhere(std::string_view key) {
  for (const SettingBase* s : all_settings())
    if (s->name().size() > key.size() && s->name().ends_with("." + std::string(key)))
      return std::string(s->name());
  return {};
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 80)) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return out + (text.size() > 80 ? "...'" : "'");
}

std::string one_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + shown(names[i]);
  return out;
}

std::vector<std::string> setting_keys_below(std::string_view prefix) {
  std::vector<std::string> out;
  for (const SettingBase* s : all_settings()) {
    if (!s->name().starts_with(prefix)) continue;
    const std::string_view rest = s->name().substr(prefix.size());
    out.emplace_back(rest.substr(0, rest.find('.')));
  }
  return out;
}

void Report::error(Position at, std::string text) {
  out_.push_back({at.line, at.column, Severity::error, std::move(text)});
}
void Report::warn(Position at, std::string text) {
  out_.push_back({at.line, at.column, Severity::warning, std::move(text)});
}

const std::string* Report::need_text(const Entry& e) {
  if (const std::string* const text = e.node.text()) return text;
  error(e.node.at, shown(e.key) + " must be text in quotes, not " + std::string(to_string(e.node.kind)));
  return nullptr;
}

const std::string* Report::need_path(const Entry& e) {
  const std::string* const path = need_text(e);
  if (!path) return nullptr;
  if (!path->starts_with('/') || has_control(*path)) {
    error(e.node.at, shown(e.key) + " must be an absolute path (one that begins with '/')");
    return nullptr;
  }
  return path;
}

std::optional<std::size_t> Report::need_name(const Entry& e, const std::vector<std::string>& names) {
  const std::string* const text = need_text(e);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find(names, *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string_view near = nearest(*text, names);
  error(e.node.at, shown(e.key) + " is " + shown(*text) + ", but must be " + one_of(names) +
                       (near.empty() ? "" : ": did you mean " + shown(near) + "?"));
  return std::nullopt;
}

void Report::unknown_key(const Entry& e, const std::string& prefix, const std::vector<std::string>& known) {
  std::string text = "unknown key " + shown(e.key);
  // Thousands of them are not typing mistakes: no need to think hard about each.
  if (out_.size() > kMaxSuggestions) return error(e.at, std::move(text));
  if (!prefix.empty()) text += " in [" + prefix.substr(0, prefix.size() - 1) + "]";
  std::vector<std::string> words = known;
  if (prefix != "listen.") {
    const auto settings = setting_keys_below(prefix);
    words.insert(words.end(), settings.begin(), settings.end());
  }
  if (const auto near = nearest(e.key, words); !near.empty())
    text += ": did you mean " + shown(near) + "?";
  else if (!prefix.empty() && (has(kTopKeys, e.key) || find_setting(e.key)))
    text += ": it belongs at the top of the file, before the first [table]";
  else if (const auto other = setting_elsewhere(e.key); !other.empty())
    text += ": did you mean " + shown(other) + "?";
  else if (prefix.empty() && has(kListenKeys, e.key))
    text += ": it belongs in a [[listen]]";
  error(e.at, std::move(text));
}

}  // namespace posthorn::config
