#include "check/settings.h"

#include <algorithm>
#include <tuple>

#include "check/judge.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

// By how little they show of the password.
constexpr std::string_view kMechanisms[] = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN",
                                            "OAUTHBEARER",        "XOAUTH2"};

std::string best_mechanism(const Offer& offer) {
  for (const auto name : kMechanisms)
    if (std::ranges::find(offer.mechanisms, name) != offer.mechanisms.end()) return std::string(name);
  return offer.clear_login || offer.mechanisms.empty() ? "password" : offer.mechanisms.front();
}

// The smallest is the best.
auto rank(const PortReport& r) {
  return std::tuple(!is_usable(r), r.target.named_by.empty(), r.target.expected != Security::implicit,
                    !is_standard(r.target.service, r.target.port), r.target.port == 2525);
}

const Candidate* named(std::span<const Candidate> all, const PortReport& r) {
  const auto found = std::ranges::find_if(all, [&](const Candidate& c) {
    return c.service == r.target.service && c.host == r.target.host && c.port == r.target.port && !c.user_form.empty();
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string user_by_form(std::string_view form, std::string_view address) {
  const auto at = address.rfind('@');
  const auto local = address.substr(0, at), domain = at == address.npos ? std::string_view() : address.substr(at + 1);
  std::string out;
  while (!form.empty()) {
    const std::pair<std::string_view, std::string_view> parts[] = {
        {"%EMAILADDRESS%", address}, {"%EMAILLOCALPART%", local}, {"%EMAILDOMAIN%", domain}};
    const auto* part = std::ranges::find_if(parts, [&](const auto& p) { return text::istarts_with(form, p.first); });
    if (part != std::end(parts)) {
      out += part->second;
      form.remove_prefix(part->first.size());
    } else {
      out += form.front();
      form.remove_prefix(1);
    }
  }
  return out;
}

std::vector<Setting> choose_settings(std::span<const PortReport> reports, std::span<const Candidate> candidates,
                                     const std::string& address) {
  std::vector<Setting> out;
  for (const auto service : {Service::imap, Service::pop3, Service::submission}) {
    const PortReport* best = nullptr;
    for (const auto& r : reports)
      if (r.target.service == service && would_be_usable(r) && (!best || rank(r) < rank(*best))) best = &r;
    if (!best) continue;
    const auto* by = named(candidates, *best);
    out.push_back({.service = service,
                   .host = best->target.host,
                   .port = best->target.port,
                   .security = best->target.expected,
                   .user = by ? user_by_form(by->user_form, address) : address,
                   .mechanism = best_mechanism(best->behind),
                   .verified = is_usable(*best)});
  }
  return out;
}

}  // namespace posthorn::check
