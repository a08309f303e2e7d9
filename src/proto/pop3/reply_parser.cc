#include "proto/pop3/reply_parser.h"

#include <algorithm>
#include <charconv>

#include "text/ascii.h"

namespace posthorn::pop3 {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string shown(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (is_control(c)) c = c == '\t' ? ' ' : '?';
  return out;
}

std::string_view take_word(std::string_view& in) {
  const auto end = std::min(in.find(' '), in.size());
  const auto word = in.substr(0, end);
  in.remove_prefix(end);
  while (in.starts_with(' ')) in.remove_prefix(1);
  return word;
}

template <class T>
bool take_number(std::string_view& in, T& out) {
  const auto word = take_word(in);
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc() && stop == word.data() + word.size();
}

// [RFC2449 8] "[IN-USE] Do you have another POP session running?"
std::string_view take_code(std::string_view& text) {
  if (!text.starts_with('[')) return {};
  const auto end = text.find(']');
  if (end == text.npos) return {};
  const auto code = text.substr(1, end - 1);
  if (code.empty() || code.find(' ') != code.npos || std::ranges::any_of(code, is_control)) return {};
  text.remove_prefix(end + 1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  return code;
}

}  // namespace

Result<Reply> parse_reply(std::string_view line) {
  Reply out;
  if (line.starts_with("+ ") || line == "+") {
    out.kind = Reply::Kind::challenge;
    out.text = shown(line.substr(std::min<std::size_t>(line.size(), 2)));
    return out;
  }
  const bool ok = text::istarts_with(line, "+OK");
  if (!ok && !text::istarts_with(line, "-ERR")) return fail(Errc::syntax, "this is no reply of POP3");
  line.remove_prefix(ok ? 3 : 4);
  if (!line.empty() && !text::is_wsp(line.front())) return fail(Errc::syntax, "this is no reply of POP3");
  line = text::trim(line);
  out.kind = ok ? Reply::Kind::ok : Reply::Kind::error;
  out.code = text::to_upper(take_code(line));
  out.text = shown(line);
  return out;
}

Result<Listing> parse_listing(std::string_view line) {
  Listing out;
  if (!take_number(line, out.number) || !take_number(line, out.size))
    return fail(Errc::syntax, "this is no number and size of a message");
  return out;
}

Result<UniqueId> parse_unique_id(std::string_view line, const ReplyLimits& limits) {
  UniqueId out;
  if (!take_number(line, out.number) || out.number == 0)
    return fail(Errc::syntax, "this is no number and unique-id of a message");
  line = text::trim(line);
  if (line.empty() || line.size() > limits.unique_id)
    return fail(Errc::syntax, "a unique-id is empty or too long");
  if (std::ranges::any_of(line, [](char c) { return c == ' ' || is_control(c); }))
    return fail(Errc::syntax, "a unique-id has spaces");
  out.id = line;
  return out;
}

void add_capability(Capabilities& to, std::string_view line) {
  line = text::trim(line);
  const auto tag = text::to_upper(take_word(line));
  if (tag == "USER")
    to.user = true;
  else if (tag == "TOP")
    to.top = true;
  else if (tag == "UIDL")
    to.uidl = true;
  else if (tag == "STLS")
    to.stls = true;
  else if (tag == "PIPELINING")
    to.pipelining = true;
  else if (tag == "RESP-CODES")
    to.resp_codes = true;
  else if (tag == "UTF8")
    to.utf8 = true;
  else if (tag == "IMPLEMENTATION")
    to.implementation = shown(line);
  else if (tag == "SASL")
    while (!line.empty()) to.sasl.push_back(text::to_upper(take_word(line)));
}

std::string_view find_timestamp(std::string_view greeting) {
  const auto open = greeting.find('<');
  if (open == greeting.npos) return {};
  const auto close = greeting.find('>', open);
  if (close == greeting.npos) return {};
  const auto stamp = greeting.substr(open, close - open + 1);
  const bool fits = stamp.find('@') != stamp.npos &&
                    std::ranges::none_of(stamp, [](char c) { return c == ' ' || is_control(c); });
  return fits ? stamp : std::string_view();
}

}  // namespace posthorn::pop3
