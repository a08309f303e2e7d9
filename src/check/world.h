// How the doctor reaches the world.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "base/ip_address.h"
#include "check/probe.h"
#include "dns/resolver.h"
#include "http/client.h"

namespace posthorn::check {

// Everything in it outlives what is done with it.
struct World {
  dns::Resolver& resolver;
  WorkerPool& workers;
  bool system_names =
      true;  // a host that the resolver does not know may be in /etc/hosts; not for names that are guessed: the system may complete them
  bool dns_answers = true;  // false: the resolver has given no answer to a question that it must be able to answer
  bool dnssec = true;  // false: answers are not validated, so that nothing can be said of DNSSEC
  ProbeOptions probe;
  std::shared_ptr<const net::TlsContext> web_tls = {};  // the authorities that web servers are believed by; null: those of `probe`
  std::chrono::milliseconds dns_timeout = std::chrono::seconds(10);

  Deadline dns_deadline() const { return after(dns_timeout); }
};

struct HostLookup {
  std::vector<IpAddress> addresses;  // to try in this order; at most 4
  bool answered = true;              // false: the DNS gave no answer, nothing is known
  bool exists = false;               // the DNS, or the system, knows it
  bool secure = false;               // DNSSEC, of all answers
  std::string canonical_name;        // another one: it is an alias
  std::string why;                   // without addresses: in words
};
// An address is its own.  Loopback and private addresses count: whoever asks may be there.
Task<HostLookup> look_up_host(World&, std::string host);

struct Fetched {
  http::Response response;
  std::string url;  // where it was in the end
};
// At most three redirects, none from https to http, and none from the world into a private network.  Errors as http::Client, not_found: a
// status that is not 200, or no such host.
Task<Result<Fetched>> fetch(World&, http::Url, Deadline);
// No redirect at all: an answer of 3xx is not_found.
Task<Result<Fetched>> fetch_directly(World&, http::Url, Deadline);

}  // namespace posthorn::check
