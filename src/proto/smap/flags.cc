#include "proto/smap/flags.h"

#include <algorithm>

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
bool is_atom(std::string_view keyword) {
  return std::ranges::all_of(keyword, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
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
  bool all_atoms = true;
  for_each_item(list, [&](std::string_view item) {
    all_atoms = all_atoms && is_atom(item);
    keywords.emplace_back(item);
  });
  if (!all_atoms) return fail(Errc::unsupported, "Keywords are kept without spaces, ()%*{]\"\\ and letters beyond ASCII only");
  return keywords;
}

}  // namespace posthorn::smap
