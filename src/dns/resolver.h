// Asking the DNS.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "dns/name.h"
#include "dns/records.h"

namespace posthorn::dns {

// How a look-up ended.  The first three are definite: somebody who should know has said so.  After the others nothing is known, and
// the same question may have an answer later; mail waits.
enum class Status {
  ok,         // there is at least one record
  nodata,     // the name exists, records of this type do not
  nxdomain,   // the name does not exist (or what it is an alias of does not)
  servfail,   // the servers failed, contradict each other, or cannot be reached
  bogus,      // DNSSEC: forged or badly signed; the data is withheld [RFC4035 4.3]
  refused,    // the servers do not want to answer us
  timeout,    // our own deadline passed first
  cancelled,  // the resolver was shut down
};
std::string_view to_string(Status);
constexpr bool is_definite(Status s) { return s == Status::ok || s == Status::nodata || s == Status::nxdomain; }

// What DNSSEC says of a definite answer, the answer that there is nothing included [RFC4035 4.3].
enum class Dnssec {
  secure,         // signed and validated, every link of a chain of aliases too
  insecure,       // proven to be unsigned, at least one link of the chain
  bogus,          // goes with Status::bogus only
  indeterminate,  // not looked at: validation is off, or the look-up failed
};
std::string_view to_string(Dnssec);

// An answer as it comes: rdata not yet read.
struct Reply {
  Status status = Status::servfail;
  Dnssec dnssec = Dnssec::indeterminate;
  Name canonical_name;               // the end of the chain of aliases; without aliases, the name asked for
  std::chrono::seconds ttl{0};       // how long this may be kept, a negative answer too; 0: not at all
  std::vector<std::string> rdata;    // Status::ok only
  std::string why;                   // for the log and the operator when it is not definite
};

template <class Record>
struct Answer {
  Status status = Status::servfail;
  Dnssec dnssec = Dnssec::indeterminate;
  Name canonical_name;
  std::chrono::seconds ttl{0};
  std::vector<Record> records;  // not empty if and only if status is ok; in no order
  std::string why;

  bool ok() const { return status == Status::ok; }
  bool definite() const { return is_definite(status); }
  // [RFC7672 2.2] May DANE rest on it?  True for the validated answer that there is nothing, too.
  bool secure() const { return definite() && dnssec == Dnssec::secure; }
};

// Threads: any; a look-up is awaited on a reactor and resumes there.
//
// 1. A look-up ends at its deadline (with `timeout`), at shut_down() (with `cancelled`), or before.  It never throws and never blocks
//    the reactor.
// 2. Aliases are followed; an answer is `secure` only when the whole chain is.  cname() does not follow: it gives the first link,
//    which says whether that one is secure when the rest is not [RFC7672 2.2.2].
// 3. An answer with a damaged record is `servfail`, not an answer with fewer records.
// 4. An answer has at most what one DNS message holds (64 KiB).
class Resolver {
 public:
  virtual ~Resolver() = default;

  Task<Answer<IpAddress>> a(Name, Deadline);
  Task<Answer<IpAddress>> aaaa(Name, Deadline);
  Task<Answer<Mx>> mx(Name, Deadline);
  Task<Answer<Txt>> txt(Name, Deadline);
  Task<Answer<Tlsa>> tlsa(Name, Deadline);  // of the name as it is: _25._tcp.mx.example.org
  Task<Answer<Srv>> srv(Name, Deadline);
  Task<Answer<Name>> ptr(Name, Deadline);  // of Name::reverse(address)
  Task<Answer<Name>> cname(Name, Deadline);

  // What the above stand on.
  virtual Task<Reply> query(Name, Type, Deadline) = 0;
  // Ends what is under way; what is asked later ends at once.  Idempotent.
  virtual void shut_down() = 0;
};

}  // namespace posthorn::dns
