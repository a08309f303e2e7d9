// Writes the FETCH response of one message; big ones are streamed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "message/summary_view.h"
#include "net/connection.h"
#include "proto/imap/fetch.h"
#include "server/imap/fetch_reader.h"
#include "server/imap/put_bodystructure.h"
#include "server/imap/selected.h"
#include "store/account.h"

namespace posthorn::imap {

// One FETCH command's writer.  For each message: put_now(), and put() for those that take more than what is at hand.
class MessageFetcher {
 public:
  enum class Outcome {
    done,
    gone,         // the message has been expunged meanwhile: nothing was written for it
    undecodable,  // [RFC3516 4.3] a part to be decoded has an encoding we do not know: nothing was written for it
  };

  // Everything referred to outlives the fetcher.
  MessageFetcher(store::Account& account, net::Connection& connection, const std::vector<FetchAttribute>& attributes, Revision revision);

  struct Target {
    std::uint32_t sequence_number = 0;
    const store::Entry& entry;
    const FetchRow& row;
    bool recent = false;
    bool tell_flags = false;   // add FLAGS, because they have changed, if it is not asked for anyway
    const store::MailboxState& state;
  };
  // Without waiting.  false: nothing was written, put() may.
  bool put_now(const Target&);
  // Flushes when much is waiting, with this patience for each piece.  On failure nothing was written, unless lost().
  Task<Result<Outcome>> put(Target target, std::chrono::seconds patience);
  // The connection has failed, or a message broke off in the middle of its literal: nothing more can be said.
  bool lost() const { return lost_; }

 private:
  class Passes;
  struct Item {
    const FetchAttribute& attribute;
    std::string name;  // with the space behind
    bool needs_bytes;
    bool is_fields;    // BODY[HEADER.FIELDS (...)], of the message or of a part
  };
  void begin(const Target&);
  void end(const Target&);
  Result<void> put_simple(const Target&, const FetchAttribute&);
  Result<const message::Summary*> summary(const Target&);
  Result<std::optional<message::Range>> find_range(const Target&, const FetchAttribute&);
  // Items that take bytes, from bytes that are there: of the range, or of as much of the part as is looked at.
  bool put_at_hand(const Target&, const Item&);
  Result<void> put_from(std::string_view bytes, const Target&, const Item&);
  Result<void> put_binary(std::string_view part, const message::Part*, const FetchAttribute&);
  void put_fields(std::string_view header, const FetchAttribute&);
  bool put_held_fields(std::string_view row, const FetchAttribute&);

  // --- fetch_streamed.cc: the same in pieces
  Task<Result<void>> put_item(const Target&, const Item&);
  Task<Result<void>> stream_range(const Target&, message::Range);
  Task<Result<void>> stream_fields(const Target&, message::Range header, const FetchAttribute&);
  Task<Result<void>> stream_binary(const Target&, message::Range body, const message::Part&, const FetchAttribute&);
  Task<Result<std::string>> gather(const Target&, message::Range);
  Task<Result<std::string_view>> read(const Target&, std::uint64_t offset, std::uint64_t length);
  Task<Result<void>> flush_if_large();

  store::Account& account_;
  net::Connection& connection_;
  std::vector<Item> items_;
  const Revision revision_;
  bool has_flags_ = false;
  bool many_reads_ = false;  // more than one item needs bytes: read ahead
  message::EnvelopeView envelope_;
  message::StructureView structure_;

  // Of the message being written:
  std::optional<message::Summary> decoded_;
  std::string window_;  // bytes of it from window_offset_ on
  std::uint64_t window_offset_ = 0;
  std::chrono::seconds patience_{};
  bool flushed_ = false;
  bool lost_ = false;
};

// [RFC3501 6.4.5] A partial fetch that starts behind the end gives an empty string.
message::Range cut(message::Range range, const std::optional<Partial>& partial);

}  // namespace posthorn::imap
