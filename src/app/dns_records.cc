#include "app/dns_records.h"

#include <algorithm>
#include <set>

#include "app/data_dir.h"
#include "app/sts_pages.h"
#include "config/files.h"
#include "crypto/certificate.h"
#include "crypto/certificate_names.h"
#include "crypto/digest.h"
#include "mailauth/dkim/key_record.h"

namespace posthorn::app {
namespace {

using Need = DnsRecord::Need;
using config::Protocol;
using config::TlsMode;

// [RFC6186 3] [RFC8314 5.1]
std::string service_of(Protocol protocol, TlsMode tls) {
  const bool implicit = tls == TlsMode::implicit;
  switch (protocol) {
    case Protocol::submission: return implicit ? "_submissions" : "_submission";
    case Protocol::imap: return implicit ? "_imaps" : "_imap";
    case Protocol::pop3: return implicit ? "_pop3s" : "_pop3";
    default: return {};
  }
}

// One for each service: the first listener that other machines can reach, or, where there is none at all, the first.
void put_services(std::vector<DnsRecord>& out, const config::Config& config, const std::string& domain) {
  const bool any_open = std::ranges::any_of(config.listeners, [](const auto& l) { return !l.address.is_loopback(); });
  std::set<std::string> seen;
  for (const auto& l : config.listeners) {
    const auto service = service_of(l.protocol, l.tls);
    if (service.empty() || l.tls == TlsMode::none || l.address.is_unix() || (any_open && l.address.is_loopback()) ||
        !seen.insert(service).second)
      continue;
    // Implicit TLS is preferred [RFC8314 3.3].
    const auto priority = l.tls == TlsMode::implicit ? "0" : "10";
    out.push_back({.purpose = "SRV",
                   .name = service + "._tcp." + domain,
                   .type = dns::Type::srv,
                   .value = std::string(priority) + " 1 " + std::to_string(l.address.port) + ' ' + config.hostname + '.',
                   .need = Need::recommended,
                   .note = "mail programs find the server by it"});
  }
}

// Of the certificate that a server gets who asks for our name.
Result<std::string> own_key_digest(const config::Config& config) {
  std::vector<std::string> paths{config.tls.self_signed() ? certificate_path(config.data_dir) : config.tls.certificate};
  for (const auto& more : config.more_tls) paths.push_back(more.certificate);
  crypto::CertificateNames names;
  std::vector<std::string> certificates;
  for (const auto& path : paths) {
    TRY(auto file, config::read_file(path, 1 << 20));
    TRY_OK(names.add(file.text, certificates.size()));
    certificates.push_back(std::move(file.text));
  }
  return crypto::public_key_digest(certificates[names.find(config.hostname).value_or(0)]);
}

void put_tlsa(std::vector<DnsRecord>& out, const config::Config& config) {
  const auto digest = own_key_digest(config);
  if (!digest) return;
  out.push_back({.purpose = "TLSA",
                 .name = "_25._tcp." + config.hostname,
                 .type = dns::Type::tlsa,
                 .value = "3 1 1 " + crypto::to_hex(*digest),
                 .need = Need::recommended,
                 .note = "DANE; only in a signed zone, and to be changed before the key of the certificate is"});
}

// [RFC8461 3.1] The record says that there is a policy: whoever believes it and finds none logs trouble, no more.
void put_sts(std::vector<DnsRecord>& out, const config::Config& config, const std::string& domain) {
  const bool served = std::ranges::any_of(config.listeners, [](const auto& l) { return l.protocol == Protocol::https; });
  const auto host = "mta-sts." + domain;
  out.push_back({.purpose = "MTA-STS",
                 .name = "_mta-sts." + domain,
                 .value = "v=STSv1; id=" + sts_policy_id(sts_policy(config.hostname)),
                 .need = Need::recommended,
                 .note = served ? "the policy that is served here; paste it anew when that changes"
                                : "only with a [[listen]] with protocol \"https\" here, or a web server that has the policy at https://" + host + std::string(kStsPath),
                 .exact = served});
  if (!served) return;
  out.push_back({.purpose = "policy",
                 .name = host,
                 .type = dns::Type::cname,
                 .value = config.hostname + '.',
                 .need = Need::recommended,
                 .note = "where others fetch the MTA-STS policy; the certificate has to name it, too"});
}

}  // namespace

std::string zone_line(const DnsRecord& r) {
  if (r.type == dns::Type::txt) return mailauth::dkim::txt_zone_line(r.name, r.value);
  return r.name + ". IN " + std::string(dns::to_string(r.type)) + ' ' + r.value;
}

std::vector<DnsRecord> domain_records(const config::Config& config, const std::string& domain) {
  using dns::Type;
  const auto postmaster = "mailto:postmaster@" + domain;
  std::vector<DnsRecord> out{
      {.purpose = "MX", .name = domain, .type = Type::mx, .value = "10 " + config.hostname + '.', .note = "mail for the domain comes here"},
      {.purpose = "SPF", .name = domain, .value = "v=spf1 mx -all", .note = "only the hosts of the MX records send its mail"},
      {.purpose = "DMARC",
       .name = "_dmarc." + domain,
       .value = "v=DMARC1; p=quarantine; rua=" + postmaster,
       .note = "what receivers do with forged mail, and where they report"},
      {.purpose = "TLSRPT",
       .name = "_smtp._tls." + domain,
       .value = "v=TLSRPTv1; rua=" + postmaster,
       .need = Need::recommended,
       .note = "where others report trouble with TLS"},
  };
  put_sts(out, config, domain);
  put_tlsa(out, config);
  put_services(out, config, domain);
  return out;
}

}  // namespace posthorn::app
