// Delivery status notifications: whether one is due, and how it is written. [RFC3461] [RFC3464] [RFC6522] [RFC6533]
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "message/content.h"
#include "text/date.h"

namespace posthorn::message {

// ---- Which are due

enum class DsnAction : std::uint8_t { failed, delayed, delivered, relayed, expanded };  // [RFC3464 2.3.3]
std::string_view to_string(DsnAction);

// NOTIFY [RFC3461 4.1]; all false is NEVER.  The default is what a sender wants who asked for nothing.
struct NotifyOn {
  bool success = false, failure = true, delay = true;
  friend bool operator==(const NotifyOn&, const NotifyOn&) = default;
};

enum class ReversePath : std::uint8_t {
  mailbox,
  null,    // "<>": a notification or another automatic message
  notice,  // "<>" of what compose_dsn() wrote for the postmaster; the end of the chain
};

enum class Audience : std::uint8_t { nobody, sender, postmaster };

// [RFC3461 5.2] [RFC5321 6.1] The null reverse-path is never answered; what could not be delivered from there is told to the
// postmaster, whatever NOTIFY says (our own notifications say NEVER).
// `relayed` is for a host that does not offer DSN; one that does has taken the request over, and nothing is due here
// [RFC3461 5.2.1].  `delivered` also stands for a mailing list [RFC3461 5.2.7.1].
Audience audience_of(DsnAction action, NotifyOn notify, ReversePath reverse_path);

// ---- How much of the message comes back

enum class Ret : std::uint8_t { unspecified, full, headers };  // RET [RFC3461 4.3]
enum class Returned : std::uint8_t { headers, whole };

// [RFC3461 6.2] Whole only with a failure, up to `limit` bytes, and not of binary content [RFC6522 3].  Without RET: whole.
Returned returned_part(bool has_failure, Ret ret, std::uint64_t size, std::uint64_t limit, Content content);

// ---- Writing one

// Texts come from strangers.  Control characters, line ends and lengths are dealt with here; nothing in them can become
// a field, a line or a part of its own.  Addresses are mailboxes without brackets, in UTF-8.

struct DsnRecipient {
  // As in the envelope when it came; where a forwarding led from there is the recipient's business [RFC3464 4.2].
  std::string final_recipient;
  // ORCPT, decoded [RFC3461 4.2]; of the type "utf-8" in UTF-8 or, where that was impossible, as sent.  Empty: none.
  std::string original_type, original_recipient;

  DsnAction action = DsnAction::failed;
  std::string status;  // "5.1.1" [RFC3463]; what is none becomes 5.0.0, 4.0.0 or 2.0.0

  std::string remote_mta, remote_address;  // name and IP address of the host that spoke; empty: none was involved
  bool is_smtp_reply = false;              // diagnostic is what that host answered, else our own words
  std::string diagnostic;                  // a reply of several lines with "\n" between: "550-5.1.1 No\n550 5.1.1 such user"
  std::optional<text::DateTime> last_attempt;
  std::string final_log_id;                        // [RFC3464 2.3.8]
  std::optional<text::DateTime> will_retry_until;  // heeded with `delayed` only
};

struct DsnMessage {
  std::string reverse_path;                // empty: null
  std::optional<std::string> envelope_id;  // ENVID, decoded
  Ret ret = Ret::unspecified;
  bool smtp_utf8 = false;  // MAIL had SMTPUTF8
  text::DateTime arrival;
  std::string received_from, received_from_address;  // EHLO name and IP address of the client; empty: none
  std::string queue_id;

  std::uint64_t size = 0, header_size = 0;  // of the Summary
  ContentOfBytes content, header_content;   // of ContentMeter
  std::optional<std::string> message_id, subject;  // of its Envelope
};

enum class Language : std::uint8_t { english, german };

struct DsnContext {
  Audience audience = Audience::sender;  // REQUIRES: not nobody, and the reverse-path is not null for sender
  Language language = Language::english;
  std::string reporting_mta;  // our name, ASCII
  std::string from;           // ASCII: mailbox of a human who looks after this server [RFC3464 2]; also the postmaster written to
  std::string unique;         // REQUIRES: 16 to 60 letters and digits nobody can guess: message-id and boundary
  text::DateTime now;
  std::uint64_t return_limit = 1 << 20;  // bytes of a whole message that comes back
};

// The notification is head, then `returned_bytes` of the original from its start (through a TransferEncoder of
// `encoding`, if there is one), then tail.
struct Dsn {
  std::string recipient;  // envelope: MAIL FROM:<> and this RCPT, with NOTIFY=NEVER and without RET [RFC3461 6.1]
  std::string head, tail;
  Returned returned = Returned::headers;
  std::uint64_t returned_bytes = 0;
  bool encode = false;  // quoted-printable (TransferEncoder), else the bytes as they are
  Content content = Content::seven_bit;  // of the whole: what BODY= has to say
  bool smtp_utf8 = false;                // MAIL needs SMTPUTF8
};

inline constexpr std::size_t kMaxDsnRecipients = 500;  // in one notification; each takes at most 64 KiB, and mostly 1
inline constexpr std::uint64_t kMaxReturnedHeader = 256 << 10;

// REQUIRES: 1 to kMaxDsnRecipients recipients.  Several with one outcome or with different ones are one report; whoever
// has no notification coming is not among them [RFC3461 5.2.8].
//
// [RFC6533 4] A sender whose address needs SMTPUTF8 gets message/global-delivery-status and 8-bit UTF-8.  Any other may
// be behind hosts without SMTPUTF8: there everything is ASCII (addresses in the form \x{..} of [RFC6533 3]), and the
// message/global that comes back is quoted-printable.
Dsn compose_dsn(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients);

}  // namespace posthorn::message
