#include "server/drop/sender_policy.h"

#include <algorithm>

#include "proto/smtp/address.h"
#include "text/ascii.h"

namespace posthorn::drop {
namespace {

constexpr std::size_t kMaxFullName = 200;

}  // namespace

bool is_among(std::string_view name, std::string_view users) {
  while (!(users = text::trim(users)).empty()) {
    const auto word = users.substr(0, users.find(' '));
    users.remove_prefix(word.size());
    if (word == "*" || word == name) return true;
  }
  return false;
}

std::string qualified(std::string_view address, const SenderRules& rules) {
  std::string out(address);
  if (out.find('@') == out.npos) out += '@' + rules.origin;
  return out;
}

Chosen choose_sender(const LocalUser& user, const std::optional<std::string>& asked_for, const SenderRules& rules) {
  const auto own = smtp::to_string({user.name, rules.origin});
  if (!asked_for) return {.reverse_path = own};
  if (asked_for->empty()) return {.reverse_path = {}};
  const auto mailbox = smtp::parse_mailbox(qualified(*asked_for, rules));
  if (!mailbox) return {.reverse_path = own, .replaced = true};
  if (user.trusted) return {.reverse_path = smtp::to_string(*mailbox)};
  const auto name = std::string_view(mailbox->local_part).substr(0, mailbox->local_part.find('+'));
  if (text::iequals(name, user.name) && rules.is_ours(mailbox->domain)) return {.reverse_path = smtp::to_string(*mailbox)};
  return {.reverse_path = own, .replaced = true};
}

std::string from_field(std::string_view full_name, const std::string& address) {
  if (full_name.empty()) return '<' + address + '>';
  auto size = std::min(full_name.size(), kMaxFullName);
  // Not within a character of UTF-8.
  while (size > 0 && size < full_name.size() && (full_name[size] & 0xc0) == 0x80) --size;
  std::string out = "\"";
  for (const char c : full_name.substr(0, size)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\" <" + address + '>';
}

}  // namespace posthorn::drop
