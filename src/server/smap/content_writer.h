// The content of messages for FETCH: headers, bodies, MIME structure. [SMAP1 6.2, 6.3]
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/turns.h"
#include "base/result.h"
#include "message/summary.h"
#include "proto/smap/fetch_item.h"
#include "server/smap/content_reader.h"
#include "store/account.h"
#include "store/entry.h"

namespace posthorn::smap {

// Writes one item of one message at a time, in pieces: a message of any size costs the memory of some pieces.
//
// 1. What is read of a message is sent with LF for CRLF, but for decoded content, which is sent byte for byte; counts are of what is sent.
// 2. A reply that cannot be finished gets no end, for what there is of it would pass for the whole.  A binary one ends with -ERR where the size of
//    its next chunk would stand, as at Courier: has_refused(), and that was the status.  In a dot-stuffed one that would be content: is_cut(), and
//    nothing may follow it.
class ContentWriter {
 public:
  // Sends what waits in the output when it is much; its error ends everything.
  using FlushIfLarge = std::function<Task<Result<void>>()>;

  // Everything referred to outlives the writer.
  ContentWriter(store::Account& account, std::string& output, FlushIfLarge flush)
      : account_(account), output_(output), flush_if_large_(std::move(flush)) {}

  struct Target {
    std::uint32_t number = 0;  // of the message
    const store::Entry& entry;
    std::string_view summary;  // encoded; empty: the message has gone
  };
  // not_found: the message has gone.  invalid: it has no section with that id.  REQUIRES: an item of contents.
  Task<Result<void>> put(Target, const FetchItem&);
  bool is_cut() const { return cut_; }
  bool has_refused() const { return refused_; }

 private:
  Task<Result<void>> put_structure(ContentReader&, std::uint32_t number, const FetchItem&, const message::Summary&, message::PartIndex root);
  // A dot-stuffed reply; `words` stand behind its size.
  Task<Result<void>> put_header(ContentReader&, std::string words, message::Range header, const FetchItem&);
  // A binary reply.  With a part: its encoding is undone.
  Task<Result<void>> put_body(ContentReader&, std::string words, message::Range, std::uint64_t lines, const message::Part* decoded = nullptr);

  store::Account& account_;
  std::string& output_;
  FlushIfLarge flush_if_large_;
  bool cut_ = false, refused_ = false;
  Turns turns_;  // a message may have very many sections
};

}  // namespace posthorn::smap
