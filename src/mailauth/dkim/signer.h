// Signing a message that streams by [RFC6376 5]: one pass over its bytes, then as many DKIM-Signature fields as there are keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/signing_key.h"
#include "mailauth/dkim/canonical.h"
#include "mailauth/dkim/present.h"
#include "mailauth/dkim/signed_fields.h"

namespace posthorn::mailauth::dkim {

// Who signs.  One DKIM-Signature field for each key, in their order; the name of a key is its selector.
struct Identity {
  std::string domain;  // d=, in A-labels [RFC6376 3.5] (text/idna.h)
  std::vector<crypto::NamedKey> keys;
  std::string user = {};                               // i=, "joe@sub.domain" or "@sub.domain"; empty: no i=
  std::optional<SysTime> time = {};                    // t=
  std::optional<std::chrono::seconds> lifetime = {};   // x= is so much after `time`; REQUIRES: time
};

// Feed it the very bytes that go out (8-bit bodies already converted, fields already added), without what is put in front later: the
// signatures themselves and trace fields, which are not signed.
//
// 1. The answer does not depend on how the message was cut.
// 2. Memory: the header, while it comes in, up to kMaxHeader; then its signed fields; little of the body.
// 3. There is never an l= [RFC6376 8.2], and always every instance of the fields in signed_fields.h, From among them.
//
// Threads: one at a time.  feed() costs some 3 us for 10 KiB and is fit for a reactor; finish() costs a private-key operation for each
// key (crypto/signing_key.h).
class Signer {
 public:
  static constexpr std::size_t kMaxHeader = 256 << 10;  // bytes

  explicit Signer(Canonicalization header = Canonicalization::relaxed, Canonicalization body = Canonicalization::relaxed)
      : header_form_(header), body_form_(body), body_(body) {}

  void feed(std::string_view piece);
  // The last byte has been fed.  Before finish(), once.
  void end();

  // The domain of From, as it stands there in lower case: whose keys to take.  Empty: there is no From, it has no address, or addresses of
  // several domains.  REQUIRES: end(), or header_ended().
  const std::string& author_domain() const { return author_domain_; }
  bool header_ended() const { return state_ != State::header; }  // nothing but that domain is known before the next byte is fed

  // The DKIM-Signature fields, each with its CRLF, to be put before everything else of the message [RFC6376 5.6]; empty when there are no keys.
  // A key whose signature of this body the message has already makes no other.  May be asked again, with other keys.  REQUIRES: end().
  // Errc::too_large: a header beyond kMaxHeader.  Errc::invalid: no From [RFC6376 5.4], a CR or LF by itself in the header, or an identity
  // that cannot be written down.  Errc::io: OpenSSL failed.  Such a message can go out without a signature.
  Result<std::string> finish(const Identity&) const;

 private:
  enum class State : std::uint8_t { header, header_read, body, ended };
  void end_header();
  void take_header();
  Result<std::string> sign(const Identity&, const crypto::NamedKey&) const;

  Canonicalization header_form_, body_form_;
  State state_ = State::header;
  std::string header_;  // until it is taken: most mail that is relayed is not signed, and nobody needs more than its author
  SignedFields fields_;
  std::vector<PresentSignature> present_;
  std::string author_domain_;
  std::optional<Error> trouble_;  // why there can be no signature
  BodyHash body_;
  crypto::Sha256Digest body_digest_{};
};

}  // namespace posthorn::mailauth::dkim
