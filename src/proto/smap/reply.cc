#include "proto/smap/reply.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/smap/flags.h"
#include "proto/smap/words.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

template <class Number>
Result<Number> parse_number(std::string_view digits) {
  Number number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return fail(Errc::syntax, "no number where one must be");
  return number;
}

Result<std::uint32_t> parse_message_number(std::span<const std::string> words) {
  if (words.size() < 2 || words[0] != "FETCH") return fail(Errc::syntax, "a reply that is none to FETCH");
  TRY(const auto number, parse_number<std::uint32_t>(words[1]));
  if (number == 0) return fail(Errc::syntax, "a message with the number 0");
  return number;
}

std::vector<std::string> keywords_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    auto one = std::string(list.substr(0, comma));
    if (!one.empty() && is_text(one)) out.push_back(std::move(one));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

void FetchReply::add(FetchReply later) {
  if (later.flags) flags = later.flags;
  if (later.keywords) keywords = std::move(later.keywords);
  if (later.uid) uid = std::move(later.uid);
  if (later.size) size = later.size;
  if (later.date) date = later.date;
}

Result<FetchReply> parse_fetch_reply(std::span<const std::string> words) {
  FetchReply out;
  TRY(out.number, parse_message_number(words));
  for (const auto& word : words.subspan(2)) {
    const auto [name, value, has_value] = split_attribute(word);
    if (!has_value) continue;
    if (text::iequals(name, "FLAGS")) {
      out.flags = parse_flag_list(value);
    } else if (text::iequals(name, "KEYWORDS")) {
      out.keywords = keywords_of(value);
    } else if (text::iequals(name, "UID")) {
      if (value.empty()) return fail(Errc::syntax, "a message with an empty UID");
      out.uid = value;
    } else if (text::iequals(name, "SIZE")) {
      TRY(out.size, parse_number<std::uint64_t>(value));
    } else if (text::iequals(name, "INTERNALDATE")) {
      if (auto date = text::parse_rfc5322_date(value)) out.date = *date;
    }
  }
  return out;
}

Result<std::uint32_t> parse_content_number(std::span<const std::string> words) { return parse_message_number(words); }

Result<std::uint32_t> parse_exists_reply(std::span<const std::string> words) {
  if (words.size() < 2) return fail(Errc::syntax, "EXISTS without a number");
  return parse_number<std::uint32_t>(words[1]);
}

Result<NumberRanges> parse_expunge_reply(std::span<const std::string> words) {
  std::string line;
  for (const auto& word : words.subspan(std::min<std::size_t>(1, words.size()))) line += word + ' ';
  Words rest(line);
  TRY(auto ranges, take_message_set(rest));
  if (ranges.empty() || !rest.at_end()) return fail(Errc::syntax, "EXPUNGE without numbers");
  return ranges;
}

Result<ListReply> parse_list_reply(std::span<const std::string> words) {
  if (words.size() < 2 || words[1].empty() || !is_text(words[1])) return fail(Errc::syntax, "a folder with an impossible name");
  ListReply out{.name = words[1]};
  for (const auto& kind : words.subspan(std::min<std::size_t>(3, words.size()))) {
    out.has_messages |= text::iequals(kind, "FOLDER");
    out.has_folders |= text::iequals(kind, "DIRECTORY");
  }
  return out;
}

}  // namespace posthorn::smap
