#include "mailauth/dkim/present.h"

#include <algorithm>

#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::mailauth::dkim {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string without_blanks(std::string_view s) {
  std::string out;
  std::ranges::copy_if(s, std::back_inserter(out), [](char c) { return !is_blank(c); });
  return out;
}

}  // namespace

std::string tag_value(std::string_view tag_list, std::string_view tag) {
  while (!tag_list.empty()) {
    const auto end = std::min(tag_list.find(';'), tag_list.size());
    const auto spec = tag_list.substr(0, end);
    tag_list.remove_prefix(std::min(end + 1, tag_list.size()));
    const auto equals = spec.find('=');
    if (equals != spec.npos && without_blanks(spec.substr(0, equals)) == tag) return without_blanks(spec.substr(equals + 1));
  }
  return {};
}

std::vector<PresentSignature> find_signatures(std::string_view header) {
  std::vector<PresentSignature> out;
  std::size_t seen = 0;
  for (const auto& field : message::HeaderView(header)) {
    if (text::to_lower(field.name) != "dkim-signature") continue;
    if (++seen > kMaxPresent) break;
    PresentSignature one{text::to_lower(tag_value(field.value, "d")), text::to_lower(tag_value(field.value, "s")), tag_value(field.value, "bh")};
    if (!one.domain.empty() && !one.selector.empty() && !one.body_hash.empty()) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace posthorn::mailauth::dkim
