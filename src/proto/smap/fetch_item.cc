#include "proto/smap/fetch_item.h"

#include <algorithm>
#include <utility>

#include "proto/smap/words.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

constexpr std::string_view kEnvelope[] = {"DATE", "SUBJECT", "FROM", "SENDER", "REPLY-TO", "TO", "CC", "BCC", "IN-REPLY-TO", "MESSAGE-ID", "REFERENCES"};

bool is_of_envelope(std::string_view name) {
  return std::ranges::any_of(kEnvelope, [&](std::string_view known) { return text::iequals(name, known); });
}

bool is_of_mime(std::string_view name) {
  return is_of_envelope(name) || text::iequals(name, "MIME-VERSION") || text::istarts_with(name, "CONTENT-");
}

constexpr std::pair<std::string_view, Part> kParts[] = {
    {"HEADERS", Part::headers}, {"RAWHEADERS", Part::raw_headers}, {"MIME", Part::mime},
    {"BODY", Part::body},       {"ALL", Part::all},                {"BODY.DECODED", Part::body_decoded},
};

constexpr std::pair<std::string_view, FetchItem::Kind> kAttributes[] = {
    {"UID", FetchItem::Kind::uid},   {"FLAGS", FetchItem::Kind::flags},                {"KEYWORDS", FetchItem::Kind::keywords},
    {"SIZE", FetchItem::Kind::size}, {"INTERNALDATE", FetchItem::Kind::internal_date},
};

// What stands between `open` and `close` at the front; nothing when it does not begin so.
Result<std::string_view> take_bracketed(std::string_view& in, char open, char close) {
  if (!in.starts_with(open)) return std::string_view();
  const auto end = in.find(close);
  if (end == in.npos) return fail(Errc::syntax, std::string("Missing ") + close);
  const auto inside = in.substr(1, end - 1);
  in.remove_prefix(end + 1);
  return inside;
}

Result<HeaderSelection> parse_names(std::string_view list) {
  HeaderSelection selection;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (const auto name = text::trim(list.substr(0, comma)); !name.empty()) selection.names.emplace_back(name);
    if (selection.names.size() > kMaxHeaderNames) return fail(Errc::syntax, "Too many names of headers");
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return selection;
}

}  // namespace

bool HeaderSelection::selects(std::string_view field_name) const {
  if (names.empty()) return true;
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (name.starts_with(':') && text::iequals(name, ":ENVELOPE")) return is_of_envelope(field_name);
    if (name.starts_with(':') && text::iequals(name, ":MIME")) return is_of_mime(field_name);
    return text::iequals(name, field_name);
  });
}

Result<FetchItem> parse_fetch_item(std::string_view word) {
  using Kind = FetchItem::Kind;
  const auto [name, value, has_value] = split_attribute(word);
  if (!has_value) {
    for (const auto& [known, kind] : kAttributes)
      if (text::iequals(name, known)) return FetchItem{.kind = kind};
    return FetchItem{};
  }
  FetchItem item{.kind = Kind::contents, .peek = text::iequals(name, "CONTENTS.PEEK")};
  if (!item.peek && !text::iequals(name, "CONTENTS")) return FetchItem{};
  const auto part = std::ranges::find(kParts, value.substr(0, value.find_first_of("[(")), &std::pair<std::string_view, Part>::first);
  if (part == std::end(kParts)) return FetchItem{};
  item.part = part->second;
  auto rest = value.substr(part->first.size());
  TRY(const auto id, take_bracketed(rest, '[', ']'));
  TRY(const auto names, take_bracketed(rest, '(', ')'));
  if (!rest.empty()) return fail(Errc::syntax, "Invalid item");
  item.mime_id = id;
  TRY(item.headers, parse_names(names));
  return item;
}

StoreSetting parse_store_setting(std::string_view word) {
  using Action = StoreSetting::Action;
  using What = StoreSetting::What;
  StoreSetting setting;
  if (word.starts_with('+')) setting.action = Action::add;
  if (word.starts_with('-')) setting.action = Action::remove;
  if (setting.action != Action::replace) word.remove_prefix(1);
  const auto [name, value, has_value] = split_attribute(word);
  if (!has_value) return {};
  if (text::iequals(name, "FLAGS")) setting.what = What::flags;
  else if (text::iequals(name, "KEYWORDS")) setting.what = What::keywords;
  else if (text::iequals(name, "INTERNALDATE") && setting.action == Action::replace) setting.what = What::internal_date;
  setting.value = value;
  return setting;
}

}  // namespace posthorn::smap
