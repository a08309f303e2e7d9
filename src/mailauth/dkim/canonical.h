// The canonical forms of header and body [RFC6376 3.4], for signing and for verifying.
//
// Lines end with CRLF; a CR or LF by itself is a byte like any other.  White space is space and tab.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "crypto/digest.h"

namespace posthorn::mailauth::dkim {

enum class Canonicalization : std::uint8_t { simple, relaxed };
std::string_view name_of(Canonicalization);  // "simple", "relaxed", as in c=

// [RFC6376 3.4.1] [RFC6376 3.4.2] One whole field, from its name to its last CRLF, which may be missing.  The result has no CRLF at its end:
// the fields of a message get one each, the DKIM-Signature field that is made or checked gets none [RFC6376 3.7].
std::string canonical_field(Canonicalization, std::string_view field);

// [RFC6376 3.4.3] [RFC6376 3.4.4] A body that comes in pieces.
//
// 1. What comes out, put together, does not depend on how the body was cut.
// 2. Bounded memory, whatever the lines are like: kBuffer bytes and a few numbers.
// 3. Time is linear in the body; what comes out is never longer than the body and one CRLF.
class BodyCanonicalizer {
 public:
  // Is given the canonical body in pieces of at most kBuffer bytes, or longer ones that are parts of `piece`.
  using Sink = std::function<void(std::string_view)>;
  static constexpr std::size_t kBuffer = 4096;

  explicit BodyCanonicalizer(Canonicalization form) : form_(form) {}
  void feed(std::string_view piece, const Sink& sink);
  // Behind the last byte.  Once.
  void finish(const Sink& sink);

 private:
  void feed_simple(std::string_view piece, const Sink& sink);
  void feed_relaxed(std::string_view piece, const Sink& sink);
  void release(const Sink& sink);
  void put(std::string_view bytes, const Sink& sink);
  void flush(const Sink& sink);

  Canonicalization form_;
  // What has come in and not gone out, in this order: line ends, then (relaxed) white space, then a CR whose LF may follow.
  std::uint64_t line_ends_ = 0;
  bool space_ = false, cr_ = false;
  bool anything_ = false;  // has gone out
  std::string buffer_;
};

// The value of bh= before base64.
class BodyHash {
 public:
  explicit BodyHash(Canonicalization form) : canonicalizer_(form) {}
  void feed(std::string_view piece);
  crypto::Sha256Digest finish();  // once

 private:
  BodyCanonicalizer canonicalizer_;
  crypto::Sha256 hash_;
};

}  // namespace posthorn::mailauth::dkim
