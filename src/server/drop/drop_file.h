// What a dropped file says of its message, above it.  docs/formats/drop.md
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/smtp/delivery_options.h"

namespace posthorn::drop {

// Addresses may lack a domain ("root").
struct DropEnvelope {
  std::optional<std::string> sender;  // "": the null reverse-path; none: the user who has left the file
  std::vector<std::string> recipients;  // at least one
  std::string full_name;  // for From, where the message has none
  std::optional<smtp::Return> ret;  // [RFC3461]
  std::optional<std::string> envelope_id;
  std::optional<smtp::Notify> notify;  // of every recipient
  friend bool operator==(const DropEnvelope&, const DropEnvelope&) = default;
};

constexpr std::size_t kMaxHead = 1 << 20, kMaxHeadLine = 2000, kMaxDropRecipients = 10'000;

void put_head(std::string& out, const DropEnvelope&);

// Printable ASCII, not empty, at most 100 characters as xtext. [RFC3461 4.4]
bool is_envelope_id(std::string_view);

// Takes the head from the front of `in`, which is then the message.  Errc::syntax, limit: it is none.  `in` has kMaxHead bytes of the file,
// or all of it.
Result<DropEnvelope> take_head(std::string_view& in);

// "never", or some of "success,failure,delay", in any case.  Errc::syntax
Result<smtp::Notify> parse_notify(std::string_view);

}  // namespace posthorn::drop
