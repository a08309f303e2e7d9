// What the doctor says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthorn::check {

enum class Level : std::uint8_t {
  ok,
  note,     // worth knowing; nobody has to do anything
  warning,  // works today, or for most
  error,    // does not work, or is not safe
};
std::string_view to_string(Level);  // "ok", "note", "warning", "error"

// `text` and `advice` may quote what servers and zones say: whoever shows them makes them printable.
struct Finding {
  Level level = Level::ok;
  std::string about;   // "SPF", "mail.example.org:993"
  std::string text;    // what is so
  std::string advice;  // what to do about it; empty: nothing
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct Findings {
  std::vector<Finding> all;
  void ok(std::string about, std::string text) { all.push_back({Level::ok, std::move(about), std::move(text), {}}); }
  void note(std::string about, std::string text, std::string advice = {}) {
    all.push_back({Level::note, std::move(about), std::move(text), std::move(advice)});
  }
  void warn(std::string about, std::string text, std::string advice) {
    all.push_back({Level::warning, std::move(about), std::move(text), std::move(advice)});
  }
  void error(std::string about, std::string text, std::string advice) {
    all.push_back({Level::error, std::move(about), std::move(text), std::move(advice)});
  }
  void add(Findings more) { all.insert(all.end(), std::make_move_iterator(more.all.begin()), std::make_move_iterator(more.all.end())); }
};

// Text of strangers, short enough to be quoted in a sentence.
std::string in_quotes(std::string_view text);

}  // namespace posthorn::check
