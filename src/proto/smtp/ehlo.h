// What a server offers in its answer to EHLO or LHLO. [RFC5321 4.1.1.1]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/smtp/reply.h"

namespace posthorn::smtp {

struct Extensions {
  bool pipelining = false;             // [RFC2920]
  bool eight_bit_mime = false;         // [RFC6152]
  bool binary_mime = false;            // [RFC3030]
  bool chunking = false;               // [RFC3030]
  bool smtp_utf8 = false;              // [RFC6531]
  bool start_tls = false;              // [RFC3207]
  bool require_tls = false;            // [RFC8689]
  bool dsn = false;                    // [RFC3461]
  bool enhanced_status_codes = false;  // [RFC2034]
  bool etrn = false;                   // [RFC1985]
  bool xclient = false, xforward = false;

  bool size = false;                          // [RFC1870]
  std::optional<std::uint64_t> size_limit;    // without it (or with 0) no limit is known
  std::vector<std::string> auth;              // [RFC4954] mechanisms, upper case
  bool deliver_by = false;                    // [RFC2852]
  std::optional<std::uint64_t> deliver_by_minimum;  // seconds
  bool future_release = false;                // [RFC4865]
  std::optional<std::uint64_t> future_release_seconds;
  std::string future_release_until;
  bool mt_priority = false;                   // [RFC6710]
  std::string mt_priority_profile;
  // [RFC9422] at least 1 if there is one
  std::optional<std::uint64_t> mail_max, rcpt_max, rcpt_domain_max;

  std::string domain;                  // what the server calls itself
  std::vector<std::string> unknown;    // keywords that are none of these, upper case

  bool offers_auth(std::string_view mechanism) const;
};

// A keyword with parameters that make no sense is taken as offered without them; the last of two equal ones counts.
Extensions parse_ehlo_reply(const Reply&);

}  // namespace posthorn::smtp
