#include "proto/smap/words.h"

#include <algorithm>

#include "text/utf8.h"

namespace posthorn::smap {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string take_quoted(std::string_view& in) {
  std::string word;
  in.remove_prefix(1);
  while (!in.empty()) {
    const auto run = std::min(in.find('"'), in.size());
    word += in.substr(0, run);
    in.remove_prefix(std::min(run + 1, in.size()));
    if (!in.starts_with('"')) break;
    word += '"';
    in.remove_prefix(1);
  }
  return word;
}

std::string take_atom(std::string_view& in) {
  const auto end = std::ranges::find_if(in, is_space) - in.begin();
  std::string word(in.substr(0, static_cast<std::size_t>(end)));
  in.remove_prefix(word.size());
  return word;
}

}  // namespace

const std::string Words::kNothing;

Words::Words(std::string_view line) {
  while (true) {
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    if (line.empty()) return;
    words_.push_back(line.front() == '"' ? take_quoted(line) : take_atom(line));
  }
}

namespace {

void put_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"') out += '"';
    out += is_control(c) ? ' ' : c;
  }
}

}  // namespace

void put_word(std::string& out, std::string_view word) {
  out += '"';
  put_escaped(out, word);
  out += '"';
}

void put_attribute(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("=");
  put_escaped(out, value);
  out += '"';
}

bool is_text(std::string_view word) { return text::is_valid_utf8(word) && std::ranges::none_of(word, is_control); }

Result<std::vector<std::string>> take_path(Words& words) {
  std::vector<std::string> path;
  while (!words.at_end()) {
    auto word = words.take();
    if (word.empty()) break;
    if (!is_text(word)) return fail(Errc::syntax, "Invalid folder name");
    if (path.size() == kMaxLevels) return fail(Errc::syntax, "Too many levels of folders");
    path.push_back(std::move(word));
  }
  if (path.empty()) return fail(Errc::syntax, "A folder is missing");
  return path;
}

Attribute split_attribute(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == word.npos) return {.name = word, .value = {}};
  return {.name = word.substr(0, equals), .value = word.substr(equals + 1), .has_value = true};
}

}  // namespace posthorn::smap
