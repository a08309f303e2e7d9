#include "app/sts_pages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/settings.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "delivery/sts_policy.h"
#include "text/ascii.h"

namespace posthorn::app {
namespace {

inline Counter policies_served{"sts.policies_served", "Times that others have fetched the MTA-STS policy of a domain here."};

// For strangers: they ask once, and go.  More connections than one address may have (limits.connections_per_address), or it could keep the policy
// from everybody else.
constexpr http::ServerLimits kLimits{
    .header = 8 << 10, .connections = 4000, .requests = 2, .idle = std::chrono::seconds(5), .request = std::chrono::seconds(10), .send = std::chrono::seconds(10)};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!(text = text::trim(text)).empty()) {
    const auto end = std::min(text.find(' '), text.size());
    out.push_back(text::to_lower(text.substr(0, end)));
    text.remove_prefix(end);
  }
  return out;
}

delivery::StsPolicy::Mode mode_of(StsMode mode) {
  using Mode = delivery::StsPolicy::Mode;
  switch (mode) {
    case StsMode::testing: return Mode::testing;
    case StsMode::enforce: return Mode::enforce;
    case StsMode::none: return Mode::none;
  }
  return Mode::none;
}

std::string text_of(const delivery::StsPolicy& policy) {
  std::string out;
  for (const auto& line : policy.lines()) out += line + "\r\n";
  return out;
}

http::Response page(unsigned status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .location = {}, .body = std::move(body)};
}

// Of "mta-sts.example.org:443".
std::optional<std::string> domain_of_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view kLabel = "mta-sts.";
  const auto name = text::to_lower(host);
  if (!name.starts_with(kLabel)) return {};
  return name.substr(kLabel.size());
}

}  // namespace

// By the reader that others' policies go through.
Result<void> check_mx_patterns(std::string_view text) {
  if (std::ranges::any_of(text, [](unsigned char c) { return c < ' '; })) return fail(Errc::invalid, "is more than one line");
  delivery::StsPolicy policy{.mode = delivery::StsPolicy::Mode::enforce, .mx = words(text), .max_age = std::chrono::hours(1)};
  policy.mx.push_back("mail.example.org");
  const auto read = delivery::parse_sts_policy(text_of(policy));
  if (!read) return fail(Errc::invalid, "is not a list of hosts: " + read.error().text);
  return {};
}

std::string sts_policy(const std::string& hostname) {
  delivery::StsPolicy policy{.mode = mode_of(kOwnStsMode.get()), .mx = {hostname}, .max_age = kOwnStsMaxAge.get()};
  for (auto& host : words(kOwnStsMx.get())) policy.mx.push_back(std::move(host));
  return text_of(policy);
}

std::string sts_policy_id(std::string_view policy) {
  const auto digest = crypto::sha256(policy);
  return crypto::to_hex(crypto::view(digest).substr(0, 8));
}

StsPages::StsPages(const auth::Directory& directory, std::string hostname)
    : directory_(directory),
      hostname_(std::move(hostname)),
      service_([this](http::Request request) { return answer_later(*this, std::move(request)); }, kLimits) {}

http::Response StsPages::answer(const http::Request& request) const {
  const auto domain = domain_of_host(request.host);
  if (!domain || !directory_.is_local_domain(*domain)) return page(421, "no such host is here\n");  // [RFC9110 15.5.20]
  if (request.path != kStsPath) return page(404, std::string(kStsPath) + " is here\n");
  policies_served.add();
  return page(200, sts_policy(hostname_));
}

Task<http::Response> StsPages::answer_later(const StsPages& pages, http::Request request) { co_return pages.answer(request); }

}  // namespace posthorn::app
