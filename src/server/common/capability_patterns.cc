#include "server/common/capability_patterns.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::server {
namespace {

struct Need {
  std::string_view capability, needed;
};
constexpr Need kNeeds[] = {
    {"QRESYNC", "CONDSTORE"},     {"QRESYNC", "ENABLE"},         {"UTF8=ACCEPT", "ENABLE"},        {"ESORT", "SORT"},
    {"ESORT", "ESEARCH"},         {"SEARCHRES", "ESEARCH"},      {"PARTIAL", "ESEARCH"},           {"CREATE-SPECIAL-USE", "SPECIAL-USE"},
    {"QUOTASET", "QUOTA"},        {"RIGHTS=texk", "ACL"},        {"LIST-MYRIGHTS", "ACL"},         {"LIST-MYRIGHTS", "LIST-EXTENDED"},
    {"LIST-STATUS", "LIST-EXTENDED"},
    // [RFC9051 E] What of the extensions is in IMAP4rev2.
    {"IMAP4rev2", "BINARY"},      {"IMAP4rev2", "ENABLE"},       {"IMAP4rev2", "ESEARCH"},         {"IMAP4rev2", "IDLE"},
    {"IMAP4rev2", "LIST-EXTENDED"}, {"IMAP4rev2", "LIST-STATUS"}, {"IMAP4rev2", "MOVE"},           {"IMAP4rev2", "NAMESPACE"},
    {"IMAP4rev2", "SEARCHRES"},   {"IMAP4rev2", "SPECIAL-USE"},  {"IMAP4rev2", "STATUS=SIZE"},     {"IMAP4rev2", "UIDPLUS"},
    {"IMAP4rev2", "UNSELECT"},
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool names_capability(std::string_view list, std::string_view capability) {
  bool found = false;
  for_each_word(list, [&](std::string_view word) {
    found |= text::iequals(word, capability) || text::iequals(word, capability.substr(0, capability.find('=')));
  });
  return found;
}

bool is_switched_off(std::string_view list, std::string_view capability) {
  if (list.empty()) return false;
  return names_capability(list, capability) || std::ranges::any_of(kNeeds, [&](const Need& need) {
           return text::iequals(need.capability, capability) && names_capability(list, need.needed);
         });
}

bool matches_client(std::string_view pattern, std::string_view client) {
  std::size_t p = 0, c = 0, star = pattern.npos, resume = 0;
  while (c < client.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = c;
    } else if (p < pattern.size() && text::to_lower(pattern[p]) == text::to_lower(client[c])) {
      ++p;
      ++c;
    } else if (star != pattern.npos) {
      p = star + 1;
      c = ++resume;
    } else {
      return false;
    }
  }
  return pattern.substr(p).find_first_not_of('*') == pattern.npos;
}

std::string capabilities_off_for(std::string_view rules, std::string_view client) {
  std::string out;
  while (!rules.empty()) {
    const auto end = rules.find(';');
    const auto rule = rules.substr(0, end);
    rules.remove_prefix(end == rules.npos ? rules.size() : end + 1);
    const auto colon = rule.rfind(':');
    if (colon == rule.npos || !matches_client(trimmed(rule.substr(0, colon)), client)) continue;
    if (!out.empty()) out += ' ';
    out += trimmed(rule.substr(colon + 1));
  }
  return out;
}

}  // namespace posthorn::server
