// What is known of a message after one pass over it; enough for ENVELOPE, BODY, BODYSTRUCTURE, the section
// numbers of BODY[..], and SENT* searches without its bytes [RFC3501 7.4.2].  Its stored form is
// docs/formats/summary.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/address.h"
#include "message/param.h"
#include "text/date.h"

namespace posthorn::message {

struct Range {
  std::uint64_t offset = 0;  // bytes from the start of the message
  std::uint64_t size = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

// Texts are unfolded and otherwise raw (encoded words and 8-bit bytes as they came).  Absent fields are
// nullopt (NIL).
struct Envelope {
  std::optional<std::string> date, subject, in_reply_to, message_id;
  std::vector<Address> from, sender, reply_to, to, cc, bcc;

  // [RFC3501 7.4.2] Sender and Reply-To default to From.
  const std::vector<Address>& sender_or_from() const { return sender.empty() ? from : sender; }
  const std::vector<Address>& reply_to_or_from() const { return reply_to.empty() ? from : reply_to; }
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// About how long the encoded summary of a message of so many bytes may be; for those who hold many of them.
inline constexpr std::uint64_t longest_summary(std::uint64_t message_size) { return std::min<std::uint64_t>(message_size, 1 << 20); }

using PartIndex = std::uint32_t;
inline constexpr PartIndex kNoPart = 0xFFFFFFFF;
inline constexpr std::uint32_t kNoEnvelope = 0xFFFFFFFF;

// One node of the MIME tree.  A multipart has one or more children; message/rfc822 and message/global have
// exactly one: the root of the embedded message, whose header starts the body of this part.
struct Part {
  PartIndex parent = kNoPart;
  PartIndex first_child = kNoPart;
  PartIndex next_sibling = kNoPart;

  Range header;             // MIME header with its empty line
  Range body;               // without the line end that belongs to the following boundary [RFC2046 5.1.1]
  std::uint64_t lines = 0;  // line ends in the body

  std::string type = "text";      // lower case; defaults applied [RFC2045 5.2] [RFC2046 5.1.5]
  std::string subtype = "plain";  // lower case
  Params params;                  // of Content-Type
  std::string encoding;           // lower case; empty: none given, which means 7bit [RFC2045 6.1]
  std::optional<std::string> id, description, md5, location;
  std::optional<Disposition> disposition;
  std::vector<std::string> languages;
  std::uint32_t envelope = kNoEnvelope;  // of an embedded message: index in Summary::envelopes

  bool is_multipart() const { return type == "multipart"; }
  bool is_message() const { return envelope != kNoEnvelope; }
  friend bool operator==(const Part&, const Part&) = default;
};

struct Summary {
  // What the parser had to do to this message; for the log, `store check` and tests.
  enum Flag : std::uint32_t {
    kHeaderLimit = 1,    // header bytes beyond the limit were not looked at
    kPartLimit = 2,      // more parts than the limit: the rest is opaque bytes of its parent
    kDepthLimit = 4,     // deeper than the limit: that part is a leaf
    kMalformed = 8,      // broken structure: missing boundary, unterminated multipart, ...
    kHas8Bit = 16,       // bytes above 0x7F in a header
    kAddressLimit = 32,  // an address list was cut
  };

  std::uint64_t size = 0;         // of the whole message, RFC822.SIZE
  std::uint64_t header_size = 0;  // with its empty line
  std::uint32_t flags = 0;
  std::uint32_t received_count = 0;       // Received fields at the top, for the loop check [RFC5321 6.3]
  std::optional<text::DateTime> sent;     // Date, when it could be read
  std::optional<std::string> references;  // unfolded
  std::vector<Envelope> envelopes{
      1};                      // [0] is the message's own; one more for every embedded message, in order
  std::vector<Part> parts{1};  // pre-order; [0] is the message itself

  const Envelope& envelope() const { return envelopes.front(); }
  const Part& root() const { return parts.front(); }
  friend bool operator==(const Summary&, const Summary&) = default;
};

// ---- Sections [RFC3501 6.4.5]

// The part of "1.2.3".  An empty list is the root.  kNoPart when there is none.
PartIndex find_part(const Summary& summary, std::span<const std::uint32_t> numbers);

enum class Section { whole, header, text, mime };  // BODY[n], BODY[n.HEADER], BODY[n.TEXT], BODY[n.MIME]

// Its bytes.  nullopt: no such part, or HEADER/TEXT of a part that is no message, or MIME without a number.
std::optional<Range> find_section(const Summary& summary, std::span<const std::uint32_t> numbers,
                                  Section section);

// ---- Stored form

std::string encode(const Summary& summary);

// Errc::corrupt on any damage that shows: cut, wrong version, counts, ranges outside the message, a tree that
// is none.
Result<Summary> decode_summary(std::string_view bytes);

struct EnvelopeView;   // summary_view.h
struct StructureView;

// Reads parts of the stored form without decoding the rest.  Does not own the bytes.
class SummaryView {
 public:
  static Result<SummaryView> open(std::string_view bytes);

  std::uint64_t size() const { return size_; }
  std::uint64_t header_size() const { return header_size_; }
  std::uint32_t flags() const { return flags_; }
  std::uint32_t received_count() const { return received_count_; }
  std::optional<text::DateTime> sent() const { return sent_; }
  Result<Envelope> envelope() const;  // of the message itself
  // Without copies, into what may have been used before.  After an error it holds something or other.
  Result<void> read_envelope(EnvelopeView& out) const;
  Result<void> read_structure(StructureView& out) const;
  Result<std::optional<std::string>> references() const;
  Result<Summary> decode() const { return decode_summary(bytes_); }

 private:
  std::string_view bytes_, references_, envelope_, parts_;
  std::uint64_t size_ = 0, header_size_ = 0;
  std::uint32_t flags_ = 0, received_count_ = 0;
  std::optional<text::DateTime> sent_;
};

}  // namespace posthorn::message
