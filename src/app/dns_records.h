// What belongs into the DNS for a domain that is served here.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "config/config.h"
#include "dns/resolver.h"

namespace posthorn::app {

struct DnsRecord {
  enum class Need : unsigned char { required, recommended };
  std::string purpose;  // "MX", "SPF", "DKIM" ...
  std::string name;  // without the final dot
  dns::Type type = dns::Type::txt;
  std::string value;  // as in a zone file; of TXT the text itself
  Need need = Need::required;
  std::string note;  // for people
  bool exact = false;  // MTA-STS: the policy is served here, so that no other id will do
};

// As a line of a zone file.
std::string zone_line(const DnsRecord&);

// All but the DKIM keys, which are in the store: MX, SPF, DMARC, TLSRPT, MTA-STS, TLSA (of the certificate in use; none where there is no
// file yet), SRV (of the listeners with TLS) [RFC6186] [RFC8314]; with a listener for https also the name of its policy's web server.  `domain` in A-labels.
std::vector<DnsRecord> domain_records(const config::Config&, const std::string& domain);

struct DnsFinding {
  enum class State : unsigned char {
    ok,
    missing,
    different,  // something else is published, which does harm or does not do what was meant
    unknown,  // nobody could say
  };
  DnsRecord record;
  State state = State::unknown;
  std::vector<std::string> published;  // what is there, as in a zone file
  std::string why;  // for people
};
std::string_view to_string(DnsFinding::State);

// Whether what is published does what the record is for; a DMARC policy of one's own, say, is good.
Task<DnsFinding> check_record(dns::Resolver& resolver, DnsRecord record);
// The host itself: it has addresses, and they lead back to it (PTR).
Task<std::vector<DnsFinding>> check_host(dns::Resolver& resolver, std::string hostname);
// All of them at once; in their order, the host first.
Task<std::vector<DnsFinding>> check_dns(dns::Resolver& resolver, std::string hostname, std::vector<DnsRecord> records);

}  // namespace posthorn::app
