// A DNS in memory, for tests.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "dns/resolver.h"

namespace posthorn::dns {

// Answers from a table, at once.  Threads: any; load() and fail() may be called while look-ups run.
//
//   # comment
//   example.org 300 MX 10 mx.example.org       NAME [TTL] TYPE RDATA, as in a zone file; names are absolute, TTL 3600 when not given
//   www.example.org CNAME example.net
//   zone example.org secure                    what DNSSEC says of this name and all below (secure, insecure, bogus); the longest
//                                              name counts, whatever the order of the lines; without such a line: insecure
//   fail broken.example.org MX servfail        NAME TYPE STATUS: this look-up ends so, at once; "*" is every type
//
// A name that has a record, or one below it, exists: nodata.  Any other is nxdomain.  Aliases are followed, at most 8 (then servfail);
// the state of the chain is the worst of its links, and a bogus one makes the answer Status::bogus.
class FakeZone final : public Resolver {
 public:
  FakeZone();
  explicit FakeZone(std::string_view text);  // REQUIRES: load() takes it
  ~FakeZone() override;

  // Adds what the text says to what is there.  Errc::syntax with the number of the line; the lines before it are in.
  Result<void> load(std::string_view text);
  // Removes everything that load() has put in.
  void clear();

  // From now on these look-ups wait (until their deadline, or shut_down()) / go on, those that wait included.  REQUIRES of the names:
  // Name::parse takes them.
  void hold(std::string_view name, Type);
  void release(std::string_view name, Type);

  // How often this was asked for / how many look-ups wait at the moment.
  std::size_t asked(std::string_view name, Type) const;
  std::size_t waiting() const;

  Task<Reply> query(Name, Type, Deadline) override;
  void shut_down() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::dns
