#include "mailauth/srs.h"

#include <algorithm>
#include <optional>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "text/ascii.h"

namespace posthorn::mailauth {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::int64_t kCycle = 32 * 32;  // days that two letters can tell apart
constexpr std::size_t kMaxPath = 254;     // without < and >
constexpr std::int64_t kSecretDays = 90;
static_assert(kSecretDays > 21 + 1, "a secret is believed for as long as the addresses it made");

std::int64_t day_of(SysTime now) { return std::chrono::floor<std::chrono::days>(now).time_since_epoch().count(); }

std::string timestamp(SysTime now) {
  const auto day = static_cast<std::uint64_t>(day_of(now));
  return {kBase32[day >> 5 & 31], kBase32[day & 31]};
}

// Days since then, by the same two letters.
std::optional<std::int64_t> age_of(std::string_view stamp, SysTime now) {
  if (stamp.size() != 2) return std::nullopt;
  const auto high = kBase32.find(text::to_upper(stamp[0])), low = kBase32.find(text::to_upper(stamp[1]));
  if (high == kBase32.npos || low == kBase32.npos) return std::nullopt;
  const auto then = static_cast<std::int64_t>(high * 32 + low);
  return ((day_of(now) - then) % kCycle + kCycle) % kCycle;
}

// Cuts off what is in front of the next "=".
std::optional<std::string_view> take_part(std::string_view& rest) {
  const auto end = rest.find('=');
  if (end == rest.npos) return std::nullopt;
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return part;
}

bool has_tag(std::string_view local_part, std::string_view tag) {
  return text::istarts_with(local_part, tag) && local_part.size() > tag.size() &&
         std::string_view("=+-").find(local_part[tag.size()]) != std::string_view::npos;
}

// "HHHH=first.example==..." behind "SRS1=", in its parts.
struct Srs1 {
  std::string_view hash, host, rest;  // rest: what stood behind "SRS0", separator included
};
std::optional<Srs1> parse_srs1(std::string_view behind_tag) {
  const auto hash = take_part(behind_tag), host = take_part(behind_tag);
  if (!hash || !host || host->empty() || behind_tag.empty() || std::string_view("=+-").find(behind_tag[0]) == std::string_view::npos)
    return std::nullopt;
  return Srs1{*hash, *host, behind_tag};
}

constexpr std::size_t kTag = 5;  // "SRS0="

}  // namespace

std::vector<std::string> srs_secrets(std::string_view kept_secret, SysTime now) {
  const auto period = day_of(now) / kSecretDays;
  std::vector<std::string> out;
  for (const auto p : {period, period - 1}) {
    const auto made = crypto::hmac_sha256(kept_secret, "sender rewriting " + std::to_string(p));
    out.emplace_back(crypto::view(made));
  }
  return out;
}

Srs::Srs(SrsRules rules) : rules_(std::move(rules)) {
  CHECK(!rules_.secrets.empty() && std::ranges::none_of(rules_.secrets, &std::string::empty));
  CHECK(rules_.hash_length >= 1 && rules_.hash_length <= 27);
  CHECK(rules_.max_age.count() >= 0 && rules_.max_age.count() <= 1000);
}

bool Srs::is_srs(std::string_view local_part) { return has_tag(local_part, "SRS0") || has_tag(local_part, "SRS1"); }

// All 27 letters of it that are not padding.
std::string Srs::hash(const std::string& secret, std::string_view covered) const {
  const auto digest = crypto::hmac_sha1(secret, text::to_lower(covered));
  return crypto::encode_base64(crypto::view(digest), crypto::Padding::none);
}

bool Srs::is_ours(std::string_view given, std::string_view covered) const {
  bool found = false;
  for (const auto& secret : rules_.secrets) {
    const auto right = text::to_lower(hash(secret, covered).substr(0, given.size()));
    found |= crypto::constant_time_equal(right, text::to_lower(given));
  }
  return found && given.size() >= rules_.hash_length;
}

Result<SrsMailbox> Srs::forward(const SrsMailbox& sender, std::string_view forwarder, SysTime now) const {
  if (text::iequals(sender.domain, forwarder)) return sender;
  const auto signed_with = [this](std::string_view covered) { return hash(rules_.secrets.front(), covered).substr(0, rules_.hash_length); };
  const std::string_view local = sender.local_part;
  std::string out;
  const auto again = has_tag(local, "SRS1") ? parse_srs1(local.substr(kTag)) : std::nullopt;
  if (again || has_tag(local, "SRS0")) {
    // Of an SRS1 address only the hash becomes ours: the way back stays one step long.
    const std::string host(again ? again->host : sender.domain), rest(again ? again->rest : local.substr(kTag - 1));
    out = "SRS1=" + signed_with(host + rest) + '=' + host + '=' + rest;
  } else {
    const auto stamp = timestamp(now);
    out = "SRS0=" + signed_with(stamp + sender.domain + sender.local_part) + '=' + stamp + '=' + sender.domain + '=' + sender.local_part;
  }
  if (out.size() > rules_.max_local_part)
    return fail(Errc::limit, "a rewritten sender of " + std::to_string(out.size()) + " octets before the '@'");
  if (out.size() + 1 + forwarder.size() > kMaxPath) return fail(Errc::limit, "a rewritten sender of more than 254 octets");
  return SrsMailbox{std::move(out), std::string(forwarder)};
}

Result<SrsMailbox> Srs::reverse(std::string_view local_part, SysTime now) const {
  if (!is_srs(local_part)) return fail(Errc::not_found, "not a rewritten sender");
  const auto rest = local_part.substr(kTag);
  return has_tag(local_part, "SRS0") ? reverse_srs0(rest, now) : reverse_srs1(rest);
}

Result<SrsMailbox> Srs::reverse_srs0(std::string_view rest, SysTime now) const {
  const auto given = take_part(rest), stamp = take_part(rest), domain = take_part(rest);
  const auto age = stamp ? age_of(*stamp, now) : std::nullopt;
  if (!given || !age || !domain || domain->empty() || rest.empty()) return fail(Errc::syntax, "not a whole rewritten sender");
  if (!is_ours(*given, std::string(*stamp) + std::string(*domain) + std::string(rest)))
    return fail(Errc::denied, "a rewritten sender with a wrong hash");
  // One made tomorrow: clocks differ, and may be set back.
  if (*age > rules_.max_age.count() && *age != kCycle - 1) return fail(Errc::timed_out, "a rewritten sender that is too old");
  return SrsMailbox{std::string(rest), std::string(*domain)};
}

Result<SrsMailbox> Srs::reverse_srs1(std::string_view behind_tag) const {
  const auto parts = parse_srs1(behind_tag);
  if (!parts) return fail(Errc::syntax, "not a whole rewritten sender");
  if (!is_ours(parts->hash, std::string(parts->host) + std::string(parts->rest)))
    return fail(Errc::denied, "a rewritten sender with a wrong hash");
  // Its age is for the server that made the SRS0 address.
  return SrsMailbox{"SRS0" + std::string(parts->rest), std::string(parts->host)};
}

}  // namespace posthorn::mailauth
