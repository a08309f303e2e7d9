#include "proto/smtp/address.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::smtp {
namespace {

enum CharClass : std::uint8_t { kAtext = 1, kDomain = 2 };

// [RFC5322 3.2.3] atext and the octets of a Domain; octets above 127 are both [RFC6531 3.3].
constexpr auto kClass = [] {
  std::array<std::uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    if (text::is_alpha(ch) || text::is_digit(ch) || c >= 0x80) t[c] = kAtext | kDomain;
  }
  for (unsigned char c : std::string_view("!#$%&'*+-/=?^_`{|}~")) t[c] |= kAtext;
  for (unsigned char c : std::string_view("-_.")) t[c] |= kDomain;
  return t;
}();

bool is(char c, CharClass k) { return kClass[static_cast<unsigned char>(c)] & k; }

std::size_t count_while(std::string_view s, auto&& accepted) {
  return std::find_if_not(s.begin(), s.end(), accepted) - s.begin();
}

// [RFC5321 4.1.2] Quoted-string; `in` is at the quote.
Result<std::string> take_quoted_string(std::string_view& in) {
  std::string out;
  for (std::size_t i = 1; i < in.size(); ++i) {
    char c = in[i];
    if (c == '"') {
      in.remove_prefix(i + 1);
      return out;
    }
    if (c == '\\' && ++i < in.size()) c = in[i];
    if (i == in.size() || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) break;
    out += c;
  }
  return fail(Errc::syntax, "Bad quoted string in address");
}

Result<std::string> take_local_part(std::string_view& in) {
  if (in.empty()) return fail(Errc::syntax, "Address is missing");
  if (in.front() == '"') return take_quoted_string(in);
  // Departure: dots may stand at the ends or together; a big Japanese provider gave out such addresses. They
  // are written back as a quoted string, which is the correct form of the same local-part.
  const auto n = count_while(in, [](char c) { return is(c, kAtext) || c == '.'; });
  if (n == 0) return fail(Errc::syntax, "Bad character in address");
  std::string out(in.substr(0, n));
  in.remove_prefix(n);
  return out;
}

bool take_ipv4(std::string_view& in) {
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0) {
      if (in.empty() || in.front() != '.') return false;
      in.remove_prefix(1);
    }
    const auto n = count_while(in, [](char c) { return text::is_digit(c); });
    if (n < 1 || n > 3) return false;
    int value = 0;
    for (char c : in.substr(0, n)) value = value * 10 + (c - '0');
    if (value > 255) return false;
    in.remove_prefix(n);
  }
  return true;
}

// [RFC5321 4.1.3] IPv6-addr
bool is_ipv6(std::string_view in) {
  int groups = 0;
  bool elided = false;
  if (in.starts_with("::")) {
    elided = true;
    in.remove_prefix(2);
  }
  while (!in.empty()) {
    const auto n = count_while(in, [](char c) { return text::hex_value(c) >= 0; });
    if (n < in.size() && in[n] == '.') {  // the last 32 bits as IPv4
      groups += 2;
      if (!take_ipv4(in) || !in.empty()) return false;
      break;
    }
    if (n < 1 || n > 4) return false;
    ++groups;
    in.remove_prefix(n);
    if (in.empty()) break;
    if (in.starts_with("::")) {
      if (elided) return false;
      elided = true;
      in.remove_prefix(2);
    } else {
      in.remove_prefix(1);  // a ":" or rubbish
      if (in.empty() || *(in.data() - 1) != ':') return false;
    }
  }
  return elided ? groups < 8 : groups == 8;
}

Result<std::string> take_domain(std::string_view& in, const AddressLimits& limits) {
  std::size_t n = 0;
  if (in.starts_with('[')) {
    n = in.find(']');
    if (n == in.npos || !is_address_literal(in.substr(0, n + 1)))
      return fail(Errc::syntax, "Bad address literal");
    ++n;
  } else {
    n = count_while(in, [](char c) { return is(c, kDomain); });
    if (n > limits.domain) return fail(Errc::limit, "Domain too long");
    if (!is_domain(in.substr(0, n), limits)) return fail(Errc::syntax, "Bad domain in address");
  }
  std::string out(in.substr(0, n));
  in.remove_prefix(n);
  return out;
}

// [RFC5321 4.1.2] A-d-l ":"
Result<void> take_source_route(std::string_view& in, const AddressLimits& limits) {
  while (in.starts_with('@')) {
    in.remove_prefix(1);
    TRY(auto ignored, take_domain(in, limits));
    const char next = in.empty() ? '\0' : in.front();
    if (next != ',' && next != ':') break;
    in.remove_prefix(1);
    if (next == ':') return {};
  }
  return fail(Errc::syntax, "Bad source route");
}

enum class Kind { reverse, forward };

// A path with or without brackets. An empty one and, as forward-path, <postmaster> come back with an empty
// domain.
Result<Mailbox> take_path(std::string_view& in, Kind kind, const AddressLimits& limits) {
  const std::size_t whole = in.size();
  const bool bracket = in.starts_with('<');
  if (bracket) in.remove_prefix(1);
  Mailbox out;
  if (bracket && in.starts_with('>')) {
    if (kind == Kind::forward) return fail(Errc::syntax, "Recipient address is missing");
  } else {
    if (bracket && in.starts_with('@')) TRY_OK(take_source_route(in, limits));
    constexpr std::string_view kPostmaster = "postmaster";
    const auto rest = in.substr(std::min(in.size(), kPostmaster.size()));
    if (kind == Kind::forward && text::istarts_with(in, kPostmaster) &&
        (rest.empty() || rest.front() == '>' || (!bracket && rest.front() == ' '))) {
      out.local_part = in.substr(0, kPostmaster.size());
      in = rest;
    } else {
      TRY(out, take_mailbox(in, limits));
    }
  }
  if (bracket) {
    if (!in.starts_with('>')) return fail(Errc::syntax, "Bad character in address, or \">\" is missing");
    in.remove_prefix(1);
  }
  if (!in.empty() && in.front() != ' ') return fail(Errc::syntax, "Bad character in or behind address");
  if (whole - in.size() > limits.path) return fail(Errc::limit, "Path too long");
  return out;
}

}  // namespace

bool is_domain(std::string_view domain, const AddressLimits& limits) {
  if (domain.empty() || domain.size() > limits.domain) return false;
  bool ascii = true;
  for (std::size_t begin = 0; begin <= domain.size();) {
    const auto end = std::min(domain.find('.', begin), domain.size());
    const auto label = domain.substr(begin, end - begin);
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is(c, kDomain); })) return false;
    // The 63 octets of DNS are counted in the ASCII form of a label.
    const bool label_is_ascii = text::is_ascii(label);
    if (label_is_ascii && label.size() > limits.label) return false;
    ascii = ascii && label_is_ascii;
    begin = end + 1;
  }
  return ascii || text::is_valid_utf8(domain);
}

bool is_address_literal(std::string_view s) {
  if (s.size() < 2 || s.front() != '[' || s.back() != ']') return false;
  s = s.substr(1, s.size() - 2);
  // [RFC5321 4.1.3] No other Standardized-tag was ever registered.
  if (constexpr std::string_view kTag = "IPv6:"; text::istarts_with(s, kTag)) {
    s.remove_prefix(kTag.size());
    return s.size() >= 2 && is_ipv6(s);
  }
  return take_ipv4(s) && s.empty();
}

Result<Mailbox> take_mailbox(std::string_view& in, const AddressLimits& limits) {
  Mailbox out;
  TRY(out.local_part, take_local_part(in));
  if (out.local_part.size() > limits.local_part) return fail(Errc::limit, "Local part too long");
  if (!text::is_valid_utf8(out.local_part)) return fail(Errc::syntax, "Address is not UTF-8");
  if (in.empty() || in.front() != '@') {
    const bool over = in.empty() || in.front() == '>';
    return over ? fail(Errc::invalid, "Address needs a domain")
                : fail(Errc::syntax, "Bad character in address");
  }
  in.remove_prefix(1);
  TRY(out.domain, take_domain(in, limits));
  return out;
}

Result<Mailbox> parse_mailbox(std::string_view s, const AddressLimits& limits) {
  TRY(auto out, take_mailbox(s, limits));
  if (!s.empty()) return fail(Errc::syntax, "Bad character in or behind address");
  return out;
}

Result<std::optional<Mailbox>> take_reverse_path(std::string_view& in, const AddressLimits& limits) {
  TRY(auto mailbox, take_path(in, Kind::reverse, limits));
  if (mailbox.domain.empty()) return std::nullopt;
  return mailbox;
}

Result<Mailbox> take_forward_path(std::string_view& in, const AddressLimits& limits) {
  return take_path(in, Kind::forward, limits);
}

bool needs_smtp_utf8(const Mailbox& m) { return !text::is_ascii(m.local_part) || !text::is_ascii(m.domain); }

void put_mailbox(std::string& out, const Mailbox& m) {
  const std::string_view local = m.local_part;
  const bool is_dot_string =
      !local.empty() && local.front() != '.' && local.back() != '.' && local.find("..") == local.npos &&
      std::all_of(local.begin(), local.end(), [](char c) { return is(c, kAtext) || c == '.'; });
  if (is_dot_string) {
    out += local;
  } else {
    out += '"';
    for (char c : local) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  if (m.domain.empty()) return;
  out += '@';
  out += m.domain;
}

void put_path(std::string& out, const std::optional<Mailbox>& path) {
  out += '<';
  if (path) put_mailbox(out, *path);
  out += '>';
}

std::string to_string(const Mailbox& m) {
  std::string out;
  put_mailbox(out, m);
  return out;
}

}  // namespace posthorn::smtp
