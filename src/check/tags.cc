#include "check/tags.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::check {

std::string_view Tags::value(std::string_view name) const {
  const auto found = std::ranges::find_if(all, [&](const auto& t) { return t.first == name; });
  return found == all.end() ? std::string_view() : std::string_view(found->second);
}

bool Tags::has(std::string_view name) const {
  return std::ranges::any_of(all, [&](const auto& t) { return t.first == name; });
}

Result<Tags> parse_tags(std::string_view in) {
  constexpr std::size_t kTags = 50;
  Tags out;
  while (!in.empty()) {
    const auto n = std::min(in.find(';'), in.size());
    const auto item = text::trim(in.substr(0, n));
    in.remove_prefix(std::min(n + 1, in.size()));
    if (item.empty()) {
      if (text::trim(in).empty()) break;  // behind the last ";"
      return fail(Errc::syntax, "an empty tag");
    }
    const auto equals = item.find('=');
    const auto name = text::trim(item.substr(0, equals));
    if (equals == item.npos || name.empty()) return fail(Errc::syntax, "'" + std::string(item.substr(0, 40)) + "' is no tag");
    if (out.all.size() == kTags) return fail(Errc::syntax, "too many tags");
    auto key = text::to_lower(name);
    if (out.has(key)) return fail(Errc::syntax, "'" + key.substr(0, 40) + "=' is there twice");  // [RFC6376 3.2]
    out.all.emplace_back(std::move(key), std::string(text::trim(item.substr(equals + 1))));
  }
  return out;
}

bool is_version(std::string_view record, std::string_view version) {
  const auto first = record.substr(0, record.find(';'));
  const auto equals = first.find('=');
  return equals != first.npos && text::iequals(text::trim(first.substr(0, equals)), "v") && text::trim(first.substr(equals + 1)) == version;
}

}  // namespace posthorn::check
