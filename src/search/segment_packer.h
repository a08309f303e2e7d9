// One segment in the making: the rows of all columns, and the words.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "kv/store.h"
#include "message/search_text.h"
#include "search/column.h"
#include "search/row_maker.h"
#include "search/words.h"

namespace posthorn::search {

// A message as the packer needs it.
struct PackedMessage {
  Uid uid;
  std::string_view summary;  // encoded; empty: the message has gone, or its summary is damaged
  std::string_view start;    // its bytes, or at least a chunk of them; empty: gone
  std::uint64_t size = 0;
  const message::ReadBytes* read = nullptr;  // all of it
};

// No I/O but by PackedMessage::read.  Bounded: a message adds at most some MiB, and is_full() says when to stop.
class SegmentPacker {
 public:
  enum class Words { no, yes };
  explicit SegmentPacker(Words words) : with_words_(words == Words::yes) {}

  void add(const PackedMessage&);
  bool is_full() const;
  std::uint32_t rows() const { return columns_[0].size(); }
  Uid first() const { return first_; }
  Uid last() const { return last_; }
  std::size_t words_bytes() const { return body_.bytes() + header_.bytes(); }
  void put_rows(kv::Batch&, AccountId, MailboxId) const;

 private:
  void add_words(const PackedMessage&);

  const bool with_words_;
  Uid first_, last_;
  std::array<BlockBuilder, std::size(kRowColumns)> columns_;
  std::size_t bytes_ = 0;
  WordsBuilder body_, header_;
  std::string text_;
};

// The rows of words under the UID of their first row.
void put_words(kv::Batch&, AccountId, MailboxId, Column words, Column postings, Uid first, const WordsBuilder&);

}  // namespace posthorn::search
