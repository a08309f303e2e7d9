#include "server/drop/drop_file.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::drop {
namespace {

constexpr std::string_view kMagic = "posthorn-drop 1";

std::string notify_text(const smtp::Notify& n) {
  if (n.never) return "never";
  std::string out;
  for (const auto& [on, name] : {std::pair(n.success, "success"), std::pair(n.failure, "failure"), std::pair(n.delay, "delay")})
    if (on) out += (out.empty() ? "" : ",") + std::string(name);
  return out;
}

bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

Result<void> take_line(DropEnvelope& out, std::string_view key, std::string_view value) {
  if (key == "sender" && !out.sender) out.sender = std::string(value);
  else if (key == "recipient" && !value.empty()) {
    if (out.recipients.size() == kMaxDropRecipients)
      return fail(Errc::limit, "more than " + std::to_string(kMaxDropRecipients) + " recipients");
    out.recipients.emplace_back(value);
  } else if (key == "name") out.full_name = value;
  else if (key == "ret" && (value == "full" || value == "headers")) out.ret = value == "full" ? smtp::Return::full : smtp::Return::headers;
  else if (key == "envid" && is_envelope_id(value)) out.envelope_id = std::string(value);
  else if (key == "notify") {
    TRY(out.notify, parse_notify(value));
  } else return fail(Errc::syntax, "a line that is none of ours: " + std::string(key.substr(0, 40)));
  return {};
}

}  // namespace

bool is_envelope_id(std::string_view id) {
  std::size_t encoded = 0;
  for (const char c : id) {
    if (c < ' ' || c > '~') return false;
    encoded += c == '+' || c == '=' || c == ' ' ? 3 : 1;  // [RFC3461 4]
  }
  return encoded > 0 && encoded <= 100;
}

Result<smtp::Notify> parse_notify(std::string_view text) {
  smtp::Notify out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = text::trim(text.substr(0, comma));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    if (text::iequals(word, "never")) out.never = true;
    else if (text::iequals(word, "success")) out.success = true;
    else if (text::iequals(word, "failure")) out.failure = true;
    else if (text::iequals(word, "delay")) out.delay = true;
    else return fail(Errc::syntax, "'" + std::string(word.substr(0, 40)) + "' is not never, success, failure or delay");
  }
  const bool others = out.success || out.failure || out.delay;
  if (out.never == others) return fail(Errc::syntax, "never stands alone, and something has to be said");  // [RFC3461 4.1]
  return out;
}

void put_head(std::string& out, const DropEnvelope& e) {
  const auto put = [&out](std::string_view key, std::string_view value) { ((((out += key) += ' ') += value) += '\n'); };
  (out += kMagic) += '\n';
  if (e.sender) put("sender", *e.sender);
  for (const auto& to : e.recipients) put("recipient", to);
  if (!e.full_name.empty()) put("name", e.full_name);
  if (e.ret) put("ret", *e.ret == smtp::Return::full ? "full" : "headers");
  if (e.envelope_id) put("envid", *e.envelope_id);
  if (e.notify) put("notify", notify_text(*e.notify));
  out += '\n';
}

Result<DropEnvelope> take_head(std::string_view& in) {
  DropEnvelope out;
  for (bool first = true;; first = false) {
    const auto end = in.substr(0, kMaxHeadLine).find('\n');
    if (end == in.npos) return fail(Errc::syntax, "the head does not end, or has a line that is too long");
    const auto line = in.substr(0, end);
    in.remove_prefix(end + 1);
    if (first && line != kMagic) return fail(Errc::syntax, "it does not begin with \"" + std::string(kMagic) + "\"");
    if (first) continue;
    if (line.empty()) break;
    if (!is_clean(line)) return fail(Errc::syntax, "a control character in the head");
    const auto space = line.find(' ');
    if (space == line.npos) return fail(Errc::syntax, "a line without a value");
    TRY_OK(take_line(out, line.substr(0, space), line.substr(space + 1)));
  }
  if (out.recipients.empty()) return fail(Errc::syntax, "no recipients");
  return out;
}

}  // namespace posthorn::drop
