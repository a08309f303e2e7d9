#include "intake/send_as.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::intake {
namespace {

bool is_address(std::string_view s) {
  const auto at = s.rfind('@');
  return at != s.npos && at > 0 && at + 1 < s.size();
}

bool is_pattern(std::string_view s) { return s == "*" || is_address(s) || (s.size() > 1 && s.front() == '@' && s.rfind('@') == 0); }

}  // namespace

Result<SendAs> SendAs::parse(std::string_view text) {
  SendAs out;
  const auto bad = [](std::string_view what, const char* why) {
    return fail(Errc::invalid, "names '" + std::string(what.substr(0, 80)) + "', which " + why);
  };
  while (!text.empty()) {
    const auto semicolon = text.find(';');
    const auto rule = text::trim(text.substr(0, semicolon));
    text.remove_prefix(semicolon == text.npos ? text.size() : semicolon + 1);
    if (rule.empty()) continue;
    const auto colon = rule.find(':');
    const auto account = text::trim(rule.substr(0, colon));
    if (!is_address(account) || account.find(' ') != account.npos) return bad(account, "is not the address of an account");
    Rule made{text::to_lower(account), {}};
    auto rest = colon == rule.npos ? std::string_view() : rule.substr(colon + 1);
    while (!(rest = text::trim(rest)).empty()) {
      const auto word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(word.size());
      if (!is_pattern(word)) return bad(word, "is no address, no @domain and not *");
      made.as.push_back(text::to_lower(word));
    }
    if (made.as.empty()) return bad(account, "has no addresses behind a colon");
    out.rules_.push_back(std::move(made));
  }
  return out;
}

bool SendAs::allows(std::string_view account, std::string_view local_part, std::string_view domain) const {
  const auto at_domain = '@' + text::to_lower(domain), address = text::to_lower(local_part) + at_domain;
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return text::iequals(rule.account, account) &&
           std::ranges::any_of(rule.as, [&](const std::string& as) { return as == "*" || as == at_domain || as == address; });
  });
}

}  // namespace posthorn::intake
