// The MTA-STS policy of the domains here, and the web server that has it. [RFC8461]
#pragma once

#include <string>
#include <string_view>

#include "auth/directory.h"
#include "http/server.h"

namespace posthorn::app {

constexpr std::string_view kStsPath = "/.well-known/mta-sts.txt";  // [RFC8461 3.3]

// The policy as it is served: the settings mta_sts.own_*, and the host of the MX records. [RFC8461 3.2]  All domains have the same.
std::string sts_policy(const std::string& hostname);
// Another one for another policy. [RFC8461 3.1]
std::string sts_policy_id(std::string_view policy);

// Answers on the listeners for https: the policy at the hosts mta-sts.DOMAIN of our domains, and nothing else anywhere.
// Threads: any.  The directory outlives it.
class StsPages {
 public:
  StsPages(const auth::Directory& directory, std::string hostname);
  StsPages(const StsPages&) = delete;

  http::Service& service() { return service_; }
  http::Response answer(const http::Request&) const;

 private:
  static Task<http::Response> answer_later(const StsPages& pages, http::Request request);

  const auth::Directory& directory_;
  const std::string hostname_;
  http::Service service_;
};

}  // namespace posthorn::app
