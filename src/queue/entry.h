// A message in the queue and its recipients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "proto/smtp/reply.h"
#include "queue/envelope.h"

namespace posthorn::queue {

using EntryId = MessageId;  // that of the blob with the message

constexpr std::size_t kMaxRecipients = 100'000;  // of one entry
constexpr std::size_t kGroupSize = 100;          // recipients tried together at most [RFC5321 4.5.3.1.8]
constexpr std::size_t kMaxAnswerText = 1000;     // bytes kept of what a server said
constexpr std::size_t kMaxDestination = 255;     // bytes

struct Entry {
  std::string reverse_path;  // as it is written between < and >; empty: the null reverse-path
  MailOptions options;
  Origin origin;
  SysTime arrival;
  std::uint64_t size = 0;        // of the message, bytes
  std::uint32_t prefix = 0;      // so many of them, at the beginning, are for mailboxes here only (Return-Path): they are not sent
  std::uint32_t received = 0;    // Received fields it came with, for those who look for loops [RFC5321 6.3]
  std::uint32_t recipients = 0;  // all there ever were; set by the queue
  std::uint32_t groups = 0;      // made so far; set by the queue
  bool shared = false;           // accounts link the blob, too: it stays when the entry goes

  int priority() const { return options.priority.value_or(0); }
  // From when on its age counts: a message that the sender held back is as young as its release. [RFC4865]
  SysTime born() const { return options.hold_until ? std::max(arrival, *options.hold_until) : arrival; }
  friend bool operator==(const Entry&, const Entry&) = default;
};

// waiting -> any other, by settling an attempt or by an operator; the others are final.
// The numbers are on disk.
enum class State : std::uint8_t {
  waiting = 0,
  delivered = 1,  // into a mailbox, or to a server that keeps the promises of DSN
  relayed = 2,    // to a server that will not report [RFC3461 5.2.2]
  expanded = 3,   // to several others, who are recipients of their own [RFC3461 5.2.7]
  failed = 4,     // for good
  expired = 5,    // waited too long
  removed = 6,    // by an operator, without a word
};
std::string_view to_string(State);

// What was said last about a recipient.
struct Answer {
  int code = 0;  // of the reply; 0: there was none, `text` says what happened
  smtp::EnhancedCode enhanced{};
  std::string text;    // one line; lines of a reply are joined with spaces
  std::string server;  // who said it: "mx.example.org[192.0.2.1]"; empty: we ourselves
  SysTime at{};
  friend bool operator==(const Answer&, const Answer&) = default;
};

struct Recipient {
  std::string forward_path;   // as it is written between < and >
  std::string forwarded_for;  // the address of ours that leads here, when the sender wrote another; empty: it is what he wrote
  RecipientOptions options;
  State state = State::waiting;
  bool owed = false;    // final, and the sender is still to be told so
  bool warned = false;  // the sender was told of the delay
  Answer last;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

// Recipients of one entry that go the same way.
struct Group {
  SysTime due{};           // the next attempt; held: as it was when it was held
  SysTime tried{};         // the last attempt; before the first: when the entry came
  std::uint32_t attempts = 0;
  std::string destination;  // as its index row has it
  bool held = false;        // by an operator
  std::vector<Recipient> recipients;

  bool waits() const;  // for somebody's delivery
  bool owes() const;   // somebody a report
  bool done() const { return !waits() && !owes(); }
  friend bool operator==(const Group&, const Group&) = default;
};

struct GroupId {
  EntryId entry;
  std::uint32_t group = 0;
  friend auto operator<=>(const GroupId&, const GroupId&) = default;
};

}  // namespace posthorn::queue

template <>
struct std::hash<posthorn::queue::GroupId> {
  std::size_t operator()(const posthorn::queue::GroupId& id) const noexcept {
    return static_cast<std::size_t>((id.entry.value() ^ std::uint64_t{id.group} << 40) * 0x9E3779B97F4A7C15);
  }
};
