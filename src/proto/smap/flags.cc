#include "proto/smap/flags.h"

#include <algorithm>
#include <optional>

#include "proto/smap/words.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

struct Name {
  Flag flag;
  std::string_view name;
};
// In the order they are told.
constexpr Name kNames[] = {{kDraft, "DRAFT"}, {kMarked, "MARKED"}, {kReplied, "REPLIED"}, {kSeen, "SEEN"}, {kDeleted, "DELETED"}};

template <class F>
void for_each_item(std::string_view list, F f) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (comma > 0) f(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

// [RFC3501 9] ATOM-CHAR
bool is_atom_char(char c) {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

constexpr std::string_view kEscaped = "$SMAP-";
constexpr std::string_view kHex = "0123456789ABCDEF";

std::string escaped(std::string_view keyword) {
  std::string out(kEscaped);
  for (const char c : keyword) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_atom_char(c) && c != '=') out += c;
    else out.append("=").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
  }
  return out;
}

std::optional<std::string> undo_escapes(std::string_view in) {
  std::string out;
  while (!in.empty()) {
    if (in.front() != '=') {
      out += in.front();
      in.remove_prefix(1);
      continue;
    }
    const auto high = in.size() < 3 ? kHex.npos : kHex.find(in[1]), low = in.size() < 3 ? kHex.npos : kHex.find(in[2]);
    if (high == kHex.npos || low == kHex.npos) return {};
    out += static_cast<char>(high << 4 | low);
    in.remove_prefix(3);
  }
  return out;
}

// What an escaped keyword stands for; nothing: it is none of ours, and stands for itself.
std::optional<std::string> unescaped(std::string_view stored) {
  if (!stored.starts_with(kEscaped)) return {};
  auto keyword = undo_escapes(stored.substr(kEscaped.size()));
  const bool ours = keyword && is_text(*keyword) && stored_keyword(*keyword) == stored;  // there is one way to write each
  return ours ? keyword : std::nullopt;
}

}  // namespace

std::uint8_t parse_flag_list(std::string_view list) {
  std::uint8_t flags = 0;
  for_each_item(list, [&](std::string_view item) {
    for (const auto& [flag, name] : kNames)
      if (text::iequals(item, name)) flags |= flag;
  });
  return flags;
}

void put_flag_list(std::string& out, std::uint8_t flags) {
  bool first = true;
  for (const auto& [flag, name] : kNames) {
    if (!(flags & flag)) continue;
    if (!first) out += ',';
    out += name;
    first = false;
  }
}

Result<std::vector<std::string>> parse_keyword_list(std::string_view list) {
  if (!is_text(list)) return fail(Errc::syntax, "Invalid keyword");
  std::vector<std::string> keywords;
  for_each_item(list, [&](std::string_view item) { keywords.push_back(stored_keyword(item)); });
  if (std::ranges::any_of(keywords, [](const auto& keyword) { return keyword.size() > kMaxKeyword; })) return fail(Errc::syntax, "That keyword is too long");
  return keywords;
}

std::string stored_keyword(std::string_view keyword) {
  if (std::ranges::all_of(keyword, is_atom_char) && !unescaped(keyword)) return std::string(keyword);
  return escaped(keyword);
}

std::string shown_keyword(std::string_view stored) {
  auto keyword = unescaped(stored);
  return keyword ? *std::move(keyword) : std::string(stored);
}

}  // namespace posthorn::smap
