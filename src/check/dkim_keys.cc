#include "check/dkim_keys.h"

#include <algorithm>

#include "async/task_group.h"
#include "check/tags.h"
#include "crypto/public_key.h"
#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::check {
namespace {

constexpr std::size_t kSelectors = 50;
constexpr const char* kUsual[] = {"default", "dkim", "mail",       "email",       "smtp",        "google", "selector1", "selector2", "k1",
                                  "k2",      "k3",   "s1",         "s2",          "fm1",         "fm2",    "fm3",       "mx",        "key1",
                                  "key2",    "sig1", "protonmail", "protonmail2", "protonmail3", "zoho",   "mandrill",  "20230601"};

std::string without_spaces(std::string_view s) {
  std::string out;
  for (const char c : s)
    if (!text::is_space(c)) out += c;
  return out;
}

void judge_key(Findings& out, const std::string& about, const Tags& tags) {
  const auto bytes = text::base64_decode(without_spaces(tags.value("p")));
  if (!bytes)
    return out.error(about, "p= is no base64: the key cannot be used", "paste the key again, whole, from the server's own output");
  const auto type = tags.has("k") ? text::to_lower(tags.value("k")) : std::string("rsa");
  if (type == "ed25519") {
    if (bytes->size() != 32)
      return out.error(about, "an Ed25519 key has 32 octets, this one " + std::to_string(bytes->size()) + " [RFC8463 4.2]",
                       "paste the key again");
    return out.ok(about, "Ed25519 key");
  }
  if (type != "rsa")
    return out.warn(about, "k=" + in_quotes(type) + " is neither rsa nor ed25519: receivers pass over it", "publish an RSA key");
  const auto bits = crypto::rsa_public_key_bits(*bytes);
  if (!bits) return out.error(about, "p= is no RSA key", "paste the key again, whole, from the server's own output");
  const auto size = "RSA key of " + std::to_string(*bits) + " bits";
  if (*bits < 1024) return out.error(about, size + ": receivers take no signature by it [RFC8301 3.2]", "make one of 2048 bits");
  if (*bits < 2048) return out.warn(about, size, "make one of 2048 bits under a new selector [RFC8301 3.2]");
  out.ok(about, size);
}

struct Looked {
  std::string selector;
  bool asked_for = false;  // by the user
  bool known = false;      // the DNS gave an answer
  std::vector<std::string> texts;
  std::string why;
};

Task<> look(World& world, dns::Name domain, Looked& out) {
  const auto name = domain.below(out.selector + "._domainkey");
  if (!name) co_return;
  const auto answer = co_await world.resolver.txt(*name, world.dns_deadline());
  out.known = answer.definite();
  out.why = dns::to_string(answer.status);
  for (const auto& t : answer.records) out.texts.push_back(t.text);
}

}  // namespace

Findings judge_dkim_key(const std::vector<std::string>& texts, const std::string& selector) {
  Findings out;
  const auto about = "DKIM " + selector;
  if (texts.size() > 1) {
    out.error(about, "there are several records: receivers take any of them, or none [RFC6376 3.6.2.2]", "leave one");
    return out;
  }
  const auto tags = texts.empty() ? Result<Tags>(fail(Errc::not_found, "there is none")) : parse_tags(texts.front());
  if (!tags || !tags->has("p")) {
    out.error(about, "the record cannot be read: " + (tags ? std::string("it has no p=") : tags.error().text),
              "paste the record again, whole");
    return out;
  }
  if (tags->has("v") && (tags->all.front().first != "v" || tags->value("v") != "DKIM1")) {
    out.error(about, "v=DKIM1 must be the first tag [RFC6376 3.6.1]", "correct the record");
    return out;
  }
  if (tags->value("p").empty()) {
    out.note(about, "the key is revoked (p= is empty)");
    return out;
  }
  judge_key(out, about, *tags);
  if ((':' + without_spaces(tags->value("t")) + ':').find(":y:") != std::string::npos)
    out.warn(about, "t=y says that this is a test: receivers may treat the mail as unsigned", "take t=y out when it works");
  const auto hashes = ':' + without_spaces(tags->value("h")) + ':';
  if (tags->has("h") && hashes.find(":sha256:") == std::string::npos)
    out.error(about, "h= does not allow sha256, which all use", "take h= out");
  const auto services = ':' + without_spaces(tags->value("s")) + ':';
  if (tags->has("s") && services.find(":*:") == std::string::npos && services.find(":email:") == std::string::npos)
    out.error(about, "s= does not allow mail", "take s= out");
  return out;
}

Task<Findings> check_dkim(World& world, dns::Name domain, std::vector<std::string> selectors) {
  std::vector<Looked> all;
  for (auto& selector : selectors)
    if (all.size() < kSelectors) all.push_back({.selector = std::move(selector), .asked_for = true});
  for (const std::string selector : kUsual)
    if (std::ranges::find(all, selector, &Looked::selector) == all.end()) all.push_back({.selector = selector});
  TaskGroup group;
  for (auto& one : all) group.spawn(Reactor::current(), look(world, domain, one));
  co_await group.join();
  Findings out;
  bool found = false;
  for (const auto& one : all) {
    // A zone may have a text for every name.
    const bool is_key = std::ranges::any_of(one.texts, [](const std::string& t) {
      const auto tags = parse_tags(t);
      return tags && tags->has("p");
    });
    if (!is_key && !one.asked_for) continue;
    found = found || is_key;
    if (!one.texts.empty())
      out.add(judge_dkim_key(one.texts, one.selector));
    else if (one.asked_for && one.known)
      out.error("DKIM " + one.selector, "there is no key at " + one.selector + "._domainkey." + domain.text(),
                "publish it, or name the selector that the server signs with");
    else if (one.asked_for)
      out.warn("DKIM " + one.selector, "the DNS gives no answer: " + one.why, "look at the zone and its name servers");
  }
  if (found || !selectors.empty()) co_return out;
  // Below a name that does not exist there is nothing.
  const auto above = domain.below("_domainkey");
  if (!above) co_return out;
  const auto any = co_await world.resolver.txt(*above, world.dns_deadline());
  if (!any.definite())
    out.warn("DKIM", "the DNS gives no answer: " + std::string(dns::to_string(any.status)), "look at the zone and its name servers");
  else if (any.status == dns::Status::nxdomain)
    out.warn("DKIM", "there are no keys at all: mail of this domain cannot be signed, and large receivers ask for it",
             "let the server sign, and publish its key");
  else
    out.note("DKIM", "no key under a usual selector; which there are, nobody can list",
             "name yours with --selector (s= in the DKIM-Signature field of a sent message)");
  co_return out;
}

}  // namespace posthorn::check
