#include "proto/smtp/ehlo.h"

#include <algorithm>
#include <charconv>

#include "text/ascii.h"

namespace posthorn::smtp {
namespace {

std::string_view take_word(std::string_view& in) {
  while (!in.empty() && text::is_wsp(in.front())) in.remove_prefix(1);
  const auto n = static_cast<std::size_t>(std::find_if(in.begin(), in.end(), text::is_wsp) - in.begin());
  const auto word = in.substr(0, n);
  in.remove_prefix(n);
  return word;
}

std::optional<std::uint64_t> to_number(std::string_view s) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (s.empty() || error != std::errc() || end != s.data() + s.size()) return {};
  return n;
}

using Take = void (*)(Extensions&, std::string_view parameters);

template <bool Extensions::* member>
void set(Extensions& e, std::string_view) {
  e.*member = true;
}

void take_size(Extensions& e, std::string_view in) {
  e.size = true;
  e.size_limit = to_number(take_word(in));
  if (e.size_limit == 0) e.size_limit.reset();  // [RFC1870 4] "0": no fixed limit
}

void take_auth(Extensions& e, std::string_view in) {
  for (std::string_view word; !(word = take_word(in)).empty();)
    if (!e.offers_auth(word)) e.auth.push_back(text::to_upper(word));
}

void take_deliver_by(Extensions& e, std::string_view in) {
  e.deliver_by = true;
  e.deliver_by_minimum = to_number(take_word(in));
}

void take_future_release(Extensions& e, std::string_view in) {
  e.future_release = true;
  e.future_release_seconds = to_number(take_word(in));
  e.future_release_until = take_word(in);
}

void take_priority(Extensions& e, std::string_view in) {
  e.mt_priority = true;
  e.mt_priority_profile = take_word(in);
}

// [RFC9422 4] Pairs of name and number; what is unknown or zero says nothing.
void take_limits(Extensions& e, std::string_view in) {
  for (std::string_view word; !(word = take_word(in)).empty();) {
    const auto equals = word.find('=');
    if (equals == word.npos) continue;
    const auto value = to_number(word.substr(equals + 1));
    if (!value || *value == 0) continue;
    const auto name = word.substr(0, equals);
    if (text::iequals(name, "MAILMAX")) e.mail_max = value;
    if (text::iequals(name, "RCPTMAX")) e.rcpt_max = value;
    if (text::iequals(name, "RCPTDOMAINMAX")) e.rcpt_domain_max = value;
  }
}

struct Keyword {
  std::string_view name;
  Take take;
};

constexpr Keyword kKeywords[] = {
    {"PIPELINING", set<&Extensions::pipelining>},
    {"8BITMIME", set<&Extensions::eight_bit_mime>},
    {"BINARYMIME", set<&Extensions::binary_mime>},
    {"CHUNKING", set<&Extensions::chunking>},
    {"SMTPUTF8", set<&Extensions::smtp_utf8>},
    {"STARTTLS", set<&Extensions::start_tls>},
    {"REQUIRETLS", set<&Extensions::require_tls>},
    {"DSN", set<&Extensions::dsn>},
    {"ENHANCEDSTATUSCODES", set<&Extensions::enhanced_status_codes>},
    {"ETRN", set<&Extensions::etrn>},
    {"XCLIENT", set<&Extensions::xclient>},
    {"XFORWARD", set<&Extensions::xforward>},
    {"SIZE", take_size},
    {"AUTH", take_auth},
    {"DELIVERBY", take_deliver_by},
    {"FUTURERELEASE", take_future_release},
    {"MT-PRIORITY", take_priority},
    {"LIMITS", take_limits},
};

void take_keyword_line(Extensions& e, std::string_view line) {
  const auto keyword = take_word(line);
  if (keyword.empty()) return;
  for (const auto& known : kKeywords)
    if (text::iequals(keyword, known.name)) return known.take(e, line);
  // "AUTH=LOGIN PLAIN": servers say it for clients older than [RFC4954].
  if (text::istarts_with(keyword, "AUTH=")) {
    take_auth(e, keyword.substr(5));
    return take_auth(e, line);
  }
  e.unknown.push_back(text::to_upper(keyword));
}

}  // namespace

bool Extensions::offers_auth(std::string_view mechanism) const {
  return std::ranges::any_of(auth, [&](const auto& one) { return text::iequals(one, mechanism); });
}

Extensions parse_ehlo_reply(const Reply& reply) {
  Extensions e;
  if (reply.lines.empty()) return e;
  std::string_view first = reply.lines.front();
  e.domain = take_word(first);
  for (std::size_t i = 1; i < reply.lines.size(); ++i) take_keyword_line(e, reply.lines[i]);
  return e;
}

}  // namespace posthorn::smtp
