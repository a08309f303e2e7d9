// The resolver of the running server, on libunbound: cache, recursion or forwarding, DNSSEC.
#pragma once

#include <cstddef>
#include <memory>

#include "dns/options.h"
#include "dns/resolver.h"

namespace posthorn::dns {

// Threads: two of its own, both with all signals blocked.  One hands questions to libunbound and results to those who wait; libunbound's
// does the work.  Reactors only put into a queue and are posted to.
//
// 1. At most `max_queries` questions are with libunbound at a time, the others wait for their turn in the order they came.  A question
//    whose deadline has passed while it waited is not asked.  Beyond 16 times as many, a question ends at once as servfail.
// 2. A question whose deadline passes while libunbound works on it keeps its place until libunbound gives up (within about a minute): its
//    result goes into the cache, so that the next attempt finds it.
// 3. Equal questions at a time are one question to the servers.
// 4. Names that never leave a machine (localhost, invalid, onion) are answered without asking anybody, as [RFC6761 6] wants.
//
// Some of libunbound's options (time limits) are global to the process: two resolvers at a time are for tests.
class UnboundResolver final : public Resolver {
 public:
  // Errc::invalid: a file of trust anchors that cannot be used; Errc::io.  Asks nobody yet.
  static Result<std::unique_ptr<UnboundResolver>> open(const ResolverOptions&);
  // REQUIRES: no look-up is awaited any more (shut_down() ends them).
  ~UnboundResolver() override;

  Task<Reply> query(Name, Type, Deadline) override;
  void shut_down() override;

 private:
  struct Impl;
  explicit UnboundResolver(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

// Does validation work at all?  Asks for something of the root zone, which is signed.
enum class DnssecProbe {
  works,
  off,          // dns.dnssec is off, or no trust anchor is the root's
  stripped,     // answers come without usable signatures: nothing can be resolved until dns.servers or dns.dnssec is changed
  unreachable,  // no answer: nothing can be said
};
Task<DnssecProbe> probe_dnssec(Resolver&, Deadline);

}  // namespace posthorn::dns
