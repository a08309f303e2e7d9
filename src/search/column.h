// Columns: what SEARCH, SORT, THREAD and FETCH ask of many messages, packed by segments of up to 512 entries of a mailbox.
// docs/formats/search.md is the stored form; docs/decisions/0015 says why.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "store/entry.h"

namespace posthorn::search {

// The numbers are on disk: never reuse one.
enum class Column : std::uint8_t {
  summary = 1,     // the encoded message::Summary
  fields = 2,      // header fields of kHeldFields as in the message (fields.h)
  from = 3,        // the decoded, casemapped values of the header fields of that name, for SEARCH
  to = 4,
  cc = 5,
  bcc = 6,
  subject = 7,
  sent = 8,          // rows.h
  base_subject = 9,  // rows.h
  addresses = 10,    // rows.h
  references = 11,   // rows.h
  body_words = 12,     // the words below the top header, and which messages have them
  body_postings = 13,
  header_words = 14,   // the words of the top header
  header_postings = 15,
};

// A segment of one column: rows in UID order.  A row may be "not held" because it is too long: look at the message.
// Owns its bytes; immutable.
class Block {
 public:
  static constexpr std::uint32_t kMaxRows = 512;

  Block() = default;
  // Errc::corrupt: version, checksum or form is wrong.
  static Result<Block> decode(std::string_view stored);

  std::uint32_t size() const { return static_cast<std::uint32_t>(uids_.size()); }
  Uid uid(std::uint32_t row) const { return uids_[row]; }
  const std::vector<Uid>& uids() const { return uids_; }
  bool holds(std::uint32_t row) const { return !missing_[row]; }
  std::string_view at(std::uint32_t row) const {
    return pool().substr(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }
  // All rows one after another; row r is [offset(r), offset(r + 1)).
  std::string_view pool() const { return std::string_view(bytes_).substr(pool_at_); }
  std::uint32_t offset(std::uint32_t row) const { return offsets_[row]; }

 private:
  friend class BlockBuilder;
  std::vector<Uid> uids_;
  std::vector<bool> missing_;
  std::vector<std::uint32_t> offsets_{0};  // one more than rows
  std::string bytes_;          // the content as it was stored; the rows begin at pool_at_
  std::size_t pool_at_ = 0;
};

class BlockBuilder {
 public:
  // REQUIRES: ascending UIDs.
  void add(Uid uid, std::string_view row);
  void add_not_held(Uid uid);
  std::size_t bytes() const { return block_.bytes_.size(); }
  std::uint32_t size() const { return block_.size(); }
  std::string encode() const;
  Block take() && { return std::move(block_); }

 private:
  Block block_;
};

// Separates the values in a row of a text column; no casemapped text has this byte.
inline constexpr char kValueMark = '\xFF';

}  // namespace posthorn::search
