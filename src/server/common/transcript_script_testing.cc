#include "server/common/transcript_script_testing.h"

#include <charconv>
#include <sstream>

#include "text/ascii.h"

namespace posthorn::server::transcript {
namespace {

// "C2!: text" into its kind, session and text.
std::optional<Step> parse_step(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos || colon == 0) return {};
  auto head = line.substr(0, colon);
  Step step;
  auto text = line.substr(colon + 1);
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  step.text = text;
  const char who = head.front();
  head.remove_prefix(1);
  std::size_t digits = 0;
  while (digits < head.size() && text::is_digit(head[digits])) ++digits;
  if (digits != 0) step.session = *to_int(head.substr(0, digits));
  head.remove_prefix(digits);
  using Kind = Step::Kind;
  if (who == 'C' && head.empty()) step.kind = Kind::send;
  else if (who == 'C' && head == "!") step.kind = Kind::client_action;
  else if (who == 'S' && head.empty()) step.kind = Kind::line;
  else if (who == 'S' && head == "?") step.kind = Kind::optional_line;
  else if (who == 'S' && head == "~") step.kind = Kind::any_order_line;
  else if (who == 'S' && head == "-") step.kind = Kind::skip_to;
  else if (who == 'S' && head == "!") step.kind = Kind::server_state;
  else if (who == 'X' && head.empty()) step.kind = Kind::check;
  else return {};
  return step;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<int> to_int(std::string_view s) {
  int n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (error != std::errc() || end != s.data() + s.size()) return {};
  return n;
}

Result<std::vector<Scenario>> parse_transcript(std::string_view text) {
  std::vector<Scenario> scenarios;
  Scenario common;  // directives before the first "=="
  Scenario* current = &common;
  std::vector<std::string>* block = nullptr;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const auto bare = text::trim(line);
    if (bare.empty() || bare.front() == '#') continue;
    if (line.starts_with("==")) {
      scenarios.push_back(Scenario{std::string(text::trim(line.substr(2))), common.directives, {}});
      current = &scenarios.back();
      block = nullptr;
    } else if (line.front() == '|') {
      if (!block) return fail(Errc::syntax, "line " + std::to_string(number) + ": a | line belongs to nothing");
      auto content = line.substr(1);
      if (content.starts_with(' ')) content.remove_prefix(1);
      block->emplace_back(content);
    } else if (line.front() == '@') {
      current->directives.push_back(Step{.kind = Step::Kind::check, .text = std::string(line.substr(1)), .line = number});
      block = &current->directives.back().block;
    } else if (auto step = parse_step(line)) {
      step->line = number;
      current->steps.push_back(*std::move(step));
      block = &current->steps.back().block;
    } else {
      return fail(Errc::syntax, "line " + std::to_string(number) + ": not understood: " + std::string(line));
    }
  }
  if (!common.steps.empty()) {
    if (!scenarios.empty()) return fail(Errc::syntax, "steps before the first ==");
    common.name = "all";
    scenarios.push_back(std::move(common));
  }
  return scenarios;
}

}  // namespace posthorn::server::transcript
