#include "dns/unbound_context.h"

#include <unbound.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "dns/pending.h"

namespace posthorn::dns {
namespace {

// Debian's package dns-root-data keeps it up to date.
constexpr const char* kSystemAnchor = "/usr/share/dns/root.key";
// The root's key signing keys, from https://data.iana.org/root-anchors/root-anchors.xml: of 2017, and of 2024 which follows it.
constexpr const char* kBuiltInAnchors[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};
// Special names that libunbound would deny without asking; resolvers near by may know them [RFC6761 6.2] [RFC8375 4].
constexpr const char* kAnswered[] = {"test.", "home.arpa."};

Error failure(const std::string& what, int code) { return {Errc::invalid, "dns: " + what + ": " + ub_strerror(code)}; }

// Sets options one after the other; remembers the first that failed.
class Setter {
 public:
  explicit Setter(ub_ctx* context) : context_(context) {}
  void set(const char* option, const std::string& value) {
    check(std::string(option) + " " + value, ub_ctx_set_option(context_, option, value.c_str()));
  }
  void check(const std::string& what, int code) {
    if (code != UB_NOERROR && result_) result_ = std::unexpected(failure(what, code));
  }
  Result<void> result() const { return result_; }

 private:
  ub_ctx* context_;
  Result<void> result_;
};

std::string content_of(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

void set_limits(Setter& options, const ResolverOptions& from) {
  options.set("msg-cache-size:", std::to_string(from.cache_size / 4));
  options.set("rrset-cache-size:", std::to_string(from.cache_size / 2));
  options.set("key-cache-size:", std::to_string(from.cache_size / 8));
  options.set("neg-cache-size:", std::to_string(from.cache_size / 8));
  options.set("num-queries-per-thread:", std::to_string(from.max_queries));
  options.set("outgoing-range:", std::to_string(from.max_queries));  // sockets: each question by UDP has its own, with a random port
  options.set("outgoing-num-tcp:", "64");
  // A dead server is not to hold a question for minutes, and one that is back is to be found again.
  options.set("infra-cache-max-rtt:", "15000");
  options.set("infra-keep-probing:", "yes");
  options.set("cache-max-ttl:", "86400");
  options.set("cache-max-negative-ttl:", "3600");
}

void set_servers(Setter& options, ub_ctx* context, const ResolverOptions& from) {
  bool loopback = false;
  // libunbound puts every further one in front.
  for (auto server = from.servers.rbegin(); server != from.servers.rend(); ++server) {
    options.check("server " + server->text(), ub_ctx_set_fwd(context, server->text().c_str()));
    loopback |= server->ip.reach() == Reach::loopback;
  }
  for (const auto& zone : from.zones) {
    for (const auto& server : zone.servers) {
      options.check("zone " + zone.name.text(), ub_ctx_set_stub(context, zone.name.text().c_str(), server.text().c_str(), 0));
      loopback |= server.ip.reach() == Reach::loopback;
    }
  }
  // A zone of a stranger may name 127.0.0.1 as its name server; only the operator sends us there.
  options.set("do-not-query-localhost:", loopback ? "no" : "yes");
  if (!from.servers.empty()) options.set("unblock-lan-zones:", "yes");
}

// Before this libunbound has read nothing: what is wrong with the options is known here.
Result<void> finalize(ub_ctx* context, const ResolverOptions& from) {
  Setter options(context);
  options.check("the trust anchors of " + from.trust_anchor_file, ub_ctx_zone_remove(context, "nothing.invalid."));
  TRY_OK(options.result());
  if (!from.servers.empty())
    for (const char* zone : kAnswered) options.check(zone, ub_ctx_zone_remove(context, zone));
  for (const auto& zone : from.zones) options.check(zone.name.text(), ub_ctx_zone_add(context, zone.name.text().c_str(), "transparent"));
  return options.result();
}

void set_anchors(Setter& options, ub_ctx* context, const ResolverOptions& from) {
  if (!from.validate) return;  // without anchors nothing is validated
  const bool own = !from.trust_anchor_file.empty();
  const std::string file = own ? from.trust_anchor_file : kSystemAnchor;
  const auto anchored = names_of_anchors(content_of(file));
  if (own || !anchored.empty()) {
    options.check("the trust anchors of " + file, anchored.empty() ? UB_READFILE : ub_ctx_add_ta_file(context, file.c_str()));
  } else {
    for (const char* anchor : kBuiltInAnchors) options.check(anchor, ub_ctx_add_ta(context, anchor));
  }
  options.set("insecure-lan-zones:", "yes");
  for (const auto& zone : from.zones) {
    const bool has_key = std::ranges::any_of(anchored, [&](const Name& n) { return !n.is_root() && zone.name.is_at_or_below(n); });
    if (!has_key) options.set("domain-insecure:", zone.name.text());
  }
}

Status status_of(const ub_result& result) {
  if (result.bogus) return Status::bogus;
  switch (result.rcode) {
    case 0: return result.havedata ? Status::ok : Status::nodata;
    case 3: return Status::nxdomain;
    case 5: return Status::refused;
    default: return Status::servfail;
  }
}

const char* why_failed(Status status) {
  return status == Status::refused ? "the name servers refuse to answer" : "the name servers fail or do not answer";
}

}  // namespace

void UnboundDeleter::operator()(ub_ctx* context) const { ub_ctx_delete(context); }
void UnboundDeleter::operator()(ub_result* result) const { ub_resolve_free(result); }

Result<UnboundContext> make_unbound_context(const ResolverOptions& from) {
  UnboundContext context(ub_ctx_create());
  if (!context) return fail(Errc::io, "dns: libunbound cannot be set up");
  ub_ctx_debugout(context.get(), nullptr);
  Setter options(context.get());
  options.check("threads", ub_ctx_async(context.get(), 1));
  set_limits(options, from);
  set_servers(options, context.get(), from);
  set_anchors(options, context.get(), from);
  TRY_OK(options.result());
  TRY_OK(finalize(context.get(), from));
  return context;
}

Reply reply_from(const Name& asked_for, const ub_result& result) {
  Reply out;
  out.status = status_of(result);
  out.canonical_name = asked_for;
  if (!is_definite(out.status)) {
    out = no_reply(out.status, result.why_bogus ? result.why_bogus : why_failed(out.status));
    if (out.status == Status::bogus) out.dnssec = Dnssec::bogus;
    return out;
  }
  if (result.canonname) {
    auto canonical = Name::parse(result.canonname);
    if (!canonical) return no_reply(Status::servfail, "an alias that is no name");
    out.canonical_name = *std::move(canonical);
  }
  out.dnssec = result.secure ? Dnssec::secure : Dnssec::insecure;
  out.ttl = std::chrono::seconds(std::max(0, result.ttl));
  for (int i = 0; out.status == Status::ok && result.data[i]; ++i) out.rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
  return out;
}

}  // namespace posthorn::dns
