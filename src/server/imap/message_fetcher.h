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
#include "server/imap/selected.h"
#include "store/account.h"

namespace posthorn::imap {

// What must be read to answer an attribute.
bool needs_summary(const FetchAttribute&);
bool needs_bytes(const FetchAttribute&);

// One FETCH command's writer; put() for each message.
class MessageFetcher {
 public:
  enum class Outcome {
    done,
    gone,  // the message has been expunged meanwhile: nothing was written for it
  };

  // Everything referred to outlives the fetcher.
  MessageFetcher(store::Account& account, net::Connection& connection, const std::vector<FetchAttribute>& attributes);

  struct Target {
    std::uint32_t sequence_number = 0;
    store::Entry entry;
    std::string_view summary;  // encoded; empty: not needed, or gone.  Outlives the call of put()
    bool recent = false;
    bool tell_flags = false;   // add FLAGS, because they have changed, if it is not asked for anyway
    const store::MailboxState* state = nullptr;
  };
  // Flushes when much is waiting, with this patience for each piece.  On failure nothing was written, unless lost().
  Task<Result<Outcome>> put(Target target, std::chrono::seconds patience);
  // The connection has failed, or a message broke off in the middle of its literal: nothing more can be said.
  bool lost() const { return lost_; }

 private:
  Task<Result<void>> put_item(const Target&, const FetchAttribute&);
  Result<void> put_simple(const Target&, const FetchAttribute&);
  Result<std::optional<message::Range>> find_range(const Target&, const FetchAttribute&);
  Task<Result<void>> put_range(const Target&, std::optional<message::Range>, std::optional<Partial>);
  Task<Result<void>> put_fields(const Target&, message::Range header, const FetchAttribute&);
  Task<Result<std::string_view>> read(const Target&, std::uint64_t offset, std::uint64_t length);
  Task<Result<void>> flush_if_large();
  Result<const message::Summary*> summary(const Target&);

  store::Account& account_;
  net::Connection& connection_;
  const std::vector<FetchAttribute>& attributes_;
  bool many_reads_ = false;  // more than one attribute needs bytes: read ahead

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

}  // namespace posthorn::imap
