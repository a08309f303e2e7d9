#include "auth/local_address.h"

#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kMaxLocal = 64, kMaxLocalElsewhere = 255, kMaxDomain = 255, kMaxLabel = 63;

bool is_atext(char c) {  // [RFC5322 3.2.3] [RFC6531 3.3]
  return text::is_alpha(c) || text::is_digit(c) || !text::is_ascii(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view s) {
  bool after_dot = true;
  for (const char c : s) {
    if (c == '.' ? after_dot : !is_atext(c)) return false;
    after_dot = c == '.';
  }
  return !after_dot;
}

bool is_label(std::string_view s) {
  if (s.empty() || s.size() > kMaxLabel || s.front() == '-' || s.back() == '-') return false;
  for (const char c : s)
    if (!text::is_alpha(c) && !text::is_digit(c) && c != '-' && text::is_ascii(c)) return false;
  return true;
}

}  // namespace

Result<std::string> normal_domain(std::string_view domain) {
  const auto bad = [&] { return fail(Errc::invalid, "'" + std::string(domain) + "' is not a domain name"); };
  if (domain.empty() || domain.size() > kMaxDomain || !text::is_valid_utf8(domain)) return bad();
  for (std::string_view rest = domain;;) {
    const auto dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return bad();
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return text::to_lower(domain);
}

namespace {

Result<LocalAddress> take_address(std::string_view address, CatchAll catch_all, std::size_t max_local) {
  const auto at = address.rfind('@');
  if (at == std::string_view::npos)
    return fail(Errc::invalid, "'" + std::string(address) + "' is not an address: it has no '@'");
  const auto local = address.substr(0, at);
  TRY(auto domain, normal_domain(address.substr(at + 1)));
  if (local.empty() && catch_all == CatchAll::allow) return LocalAddress{{}, std::move(domain)};
  if (local.size() > max_local)
    return fail(Errc::invalid, "'" + std::string(address) + "': more than " + std::to_string(max_local) + " octets before the '@'");
  if (!is_dot_string(local) || !text::is_valid_utf8(local))
    return fail(Errc::invalid, "'" + std::string(address) + "' is not an address");
  return LocalAddress{std::string(local), std::move(domain)};
}

}  // namespace

Result<LocalAddress> normal_address(std::string_view address, CatchAll catch_all) {
  TRY(auto out, take_address(address, catch_all, kMaxLocal));
  out.local = text::to_lower(out.local);
  return out;
}

Result<LocalAddress> any_address(std::string_view address) { return take_address(address, CatchAll::refuse, kMaxLocalElsewhere); }

}  // namespace posthorn::auth
