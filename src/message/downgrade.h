// A message for a host that takes less than the message has: no 8BITMIME [RFC6152 3], no BINARYMIME [RFC3030 3], no
// SMTPUTF8 [RFC6531 3.5], lines of 998 bytes [RFC5321 4.5.3.1.6].
//
//   ContentScan scan(summary);  scan.feed(all bytes);  const auto facts = scan.finish();   // once per message
//   const auto plan = plan_downgrade(summary, facts, host);                                // pure, per host
//   switch (plan.fit) ... Downgrader converter(summary, plan); converter.feed(...); converter.finish(...);
//
// Without a scan: fits(), on what ContentMeter said at intake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "message/binary.h"
#include "message/content.h"
#include "message/summary.h"
#include "message/transfer_encoder.h"

namespace posthorn::message {

struct HostTakes {
  Content content = Content::seven_bit;
  std::size_t line = kLineLimit;  // bytes without CRLF; 0: any.  A host that takes binary takes any line.
};

// A message with such bytes may be sent as it is.
bool fits(const ContentOfBytes& whole, const HostTakes& host);

// ---- SMTPUTF8 [RFC6531 3.5] [RFC6531 3.6]

enum class Utf8Need : std::uint8_t {
  none,     // may be sent without SMTPUTF8, whatever MAIL said when it came
  address,  // 5.6.7 where the host has no SMTPUTF8
  header,   // 5.6.9
};

// Addresses as they would be sent (domains in A-labels where there are some).  `header_has_utf8`: ContentFacts of the
// message, or Summary::kHas8Bit, which may be true more often.  8-bit bytes in the header of a message that came
// without SMTPUTF8 are a habit of some programs, not internationalised mail: they are relayed as everybody does.
Utf8Need utf8_need(bool came_with_smtp_utf8, bool header_has_utf8, std::string_view reverse_path,
                   std::span<const std::string> recipients);

// ---- 8-bit, binary, long lines

// One piece of the message that is kept or changed as a whole.
struct Piece {
  enum class Kind : std::uint8_t {
    header,  // of the message, an embedded message or a body part
    body,    // of a leaf
    sealed,  // body of multipart/signed: not to be altered [RFC1847 2.1]
  };
  Kind kind = Kind::body;
  PartIndex part = 0;
  Range range;
  bool of_this_message = true;  // not of one embedded in it
  ContentOfBytes bytes;
  bool changeable = true;           // header: not too long; body: it may be encoded, and its header can say so
  bool can_be_ascii = true;         // header: its 8-bit bytes stand where they can be encoded
  std::uint64_t foldable_line = 0;  // header: the longest line that has white space
};

struct ContentFacts {
  std::vector<Piece> pieces;  // ascending, disjoint
  ContentOfBytes between;     // delimiters, preambles, epilogues
  ContentOfBytes whole;
  bool header_has_utf8 = false;  // the message's own, and of its body parts; not of messages in it
};

// All bytes of the message of that summary, in order.  Memory: one header (at most 1 MiB) and some bytes per part.
class ContentScan {
 public:
  explicit ContentScan(const Summary& summary);  // REQUIRES: summary outlives it
  void feed(std::string_view bytes);
  ContentFacts finish();

 private:
  void end_gap();
  void end_piece();
  void judge_header(Piece& piece);

  const Summary& summary_;
  ContentFacts facts_;
  std::size_t next_ = 0;  // of facts_.pieces
  bool inside_ = false;   // that piece
  std::uint64_t position_ = 0;
  ContentMeter whole_, meter_;
  std::string header_;
};

enum class Fit : std::uint8_t { as_is, convert, impossible };

struct DowngradePlan {
  // What becomes of a piece; those without a change are copied.
  struct Change {
    Piece::Kind kind = Piece::Kind::body;
    PartIndex part = 0;
    Range range;
    bool keep = false;                                  // named only because what is between is mended
    std::string label;                                  // header: the Content-Transfer-Encoding to be; empty: stays
    std::optional<TransferEncoder::Encoding> encoding;  // body
  };

  Fit fit = Fit::as_is;
  Content content = Content::seven_bit;  // of what is sent: what BODY= of MAIL has to say
  std::string status, reason;            // impossible: for the DSN, "5.6.3" and English words
  std::vector<Change> changes;           // ascending
  HostTakes host;
  bool mend_between = false;  // bytes that belong to no part are replaced
};

// Invariants
// 1. A message that the host can take is never changed, and of a changed one every part that needs no change keeps
//    its bytes; delimiters are not touched.
// 2. Every part decodes to the bytes it decoded to before.  Text becomes quoted-printable unless most of it is 8-bit,
//    all else base64.
// 3. Multiparts and message/rfc822 are never encoded, their label follows what is inside [RFC2045 6.4]; message/global
//    may be [RFC6532 3.7].  No encoding is put around another [RFC3030 3].
// 4. multipart/signed is not altered [RFC1847 2.1]: when it would have to be, the answer is 5.6.2.  (Postfix converts,
//    and breaks the signature.)  The parts of multipart/encrypted are data as any other.
// 5. 8-bit bytes in header fields become encoded words [RFC2047] or extended parameters [RFC2231] of the charset UTF-8
//    or unknown-8bit; only for hosts without 8BITMIME (Postfix sends them 8-bit).  In an address: 5.6.3.
// 6. Long lines are converted where that loses nothing, else left: [RFC5321 4.5.3.1] asks senders to avoid them.
// 7. The plan for what was converted is Fit::as_is.
DowngradePlan plan_downgrade(const Summary& summary, const ContentFacts& facts, const HostTakes& host);

// Memory: one header.  The result does not depend on how the bytes are cut.
class Downgrader {
 public:
  // REQUIRES: plan.fit is not Fit::impossible; summary and plan outlive it.
  Downgrader(const Summary& summary, const DowngradePlan& plan);

  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  void begin_change();
  void take(std::string_view bytes, std::string& out);
  void end_change(std::string& out);
  void mend(std::string_view bytes, std::string& out);

  const Summary& summary_;
  const DowngradePlan& plan_;
  std::size_t next_ = 0;  // of plan_.changes
  std::uint64_t position_ = 0;
  bool inside_ = false;
  std::string header_;
  std::optional<TransferDecoder> decoder_;
  std::optional<TransferEncoder> encoder_;
  bool mended_cr_ = false;  // held back: LF may follow
};

}  // namespace posthorn::message
