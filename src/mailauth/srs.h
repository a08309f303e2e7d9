// The Sender Rewriting Scheme: mail that is forwarded gets a reverse-path of ours, from which bounces find their way back, so that SPF
// holds at the next server.  The forms are those of libsrs2, postsrsd and Perl's Mail::SRS:
//
//   SRS0=HHHH=TT=example.org=alice@forwarder               of alice@example.org
//   SRS1=HHHH=first.example==HHHH=TT=example.org=alice@us   of an SRS0 address at first.example: the bounce goes there, not through all
//
// HHHH: the first letters of the base64 of HMAC-SHA1 over the rest, in lower case.  TT: the day, modulo 1024, in base32.
// Pure functions, any thread.  Local parts are without quotes and backslashes.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace posthorn::mailauth {

struct SrsRules {
  std::vector<std::string> secrets;  // the first one makes addresses, all of them are believed; at least one, none of them empty
  std::chrono::days max_age{21};     // an address older than this is not believed; at most 1000
  std::size_t hash_length = 4;       // of what we make, and at least of what we believe; 1 to 27
  std::size_t max_local_part = 64;   // [RFC5321 4.5.3.1.1] what every server must take
};

// The secrets of this time, made from one that is kept: the present one and the one before, changed every 90 days, so that one that was
// guessed or stolen is worth nothing after 180.
std::vector<std::string> srs_secrets(std::string_view kept_secret, SysTime now);

struct SrsMailbox {
  std::string local_part, domain;
  friend bool operator==(const SrsMailbox&, const SrsMailbox&) = default;
};

class Srs {
 public:
  // REQUIRES: the rules are as they say.
  explicit Srs(SrsRules rules);

  // What the reverse-path becomes when mail from `sender` is forwarded by `forwarder`, a domain whose mail comes here.  It stays as it is where
  // `sender` is of that domain already.  REQUIRES: sender is not the null reverse-path, which stays what it is.
  // Errc::limit: the local part would be longer than max_local_part, or the path than 254 octets [RFC5321 4.5.3.1.3].  Then the address that
  // forwards is the one to put there: its owner gets the bounce.
  Result<SrsMailbox> forward(const SrsMailbox& sender, std::string_view forwarder, SysTime now) const;

  // Whether it looks like one ("SRS0" or "SRS1" and a separator), of ours or not.
  static bool is_srs(std::string_view local_part);

  // Where a bounce to this address of ours goes.  Case does not matter: servers on the way may have changed it.
  // Errc::not_found: no SRS address.  Errc::syntax: it begins like one, and is none.  Errc::denied: the hash is not ours.
  // Errc::timed_out: ours, but too old.
  Result<SrsMailbox> reverse(std::string_view local_part, SysTime now) const;

 private:
  std::string hash(const std::string& secret, std::string_view covered) const;
  bool is_ours(std::string_view hash, std::string_view covered) const;
  Result<SrsMailbox> reverse_srs0(std::string_view rest, SysTime now) const;
  Result<SrsMailbox> reverse_srs1(std::string_view rest) const;

  SrsRules rules_;
};

}  // namespace posthorn::mailauth
