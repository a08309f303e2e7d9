// Sets of sequence numbers or UIDs. [RFC3501 9] sequence-set
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::imap {

struct NumberRange {
  std::uint32_t first = 0;  // 1..2^32-1
  std::uint32_t last = 0;   // >= first
  friend bool operator==(NumberRange, NumberRange) = default;
};

// Numbers in ascending ranges that neither overlap nor touch.
class NumberSet {
 public:
  NumberSet() = default;
  explicit NumberSet(
      std::vector<NumberRange> ranges);  // any order, overlaps allowed; REQUIRES: first <= last

  bool empty() const { return ranges_.empty(); }
  const std::vector<NumberRange>& ranges() const { return ranges_; }
  std::uint64_t size() const;  // how many numbers
  bool contains(std::uint32_t) const;
  std::uint32_t max() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  // Adds a number or a range above all others (touching is merged): builds a set from ascending numbers.
  void push_back(std::uint32_t number) { push_back(NumberRange{number, number}); }
  void push_back(NumberRange);

  friend bool operator==(const NumberSet&, const NumberSet&) = default;

 private:
  std::vector<NumberRange> ranges_;
};

// A set as the client wrote it; "*" gets its value only when it is resolved.
class SequenceSet {
 public:
  static constexpr std::uint32_t kStar = 0;
  struct Item {
    std::uint32_t first = 0;  // kStar stands for "*"; a single number has first == last
    std::uint32_t last = 0;
    friend bool operator==(Item, Item) = default;
  };

  SequenceSet() = default;
  explicit SequenceSet(std::vector<Item> items) : items_(std::move(items)) {}
  // "$": the result of the last SEARCH (RETURN (SAVE)) [RFC5182]; it has no items, and the session knows what it stands for.
  static SequenceSet saved_result() {
    SequenceSet set;
    set.saved_result_ = true;
    return set;
  }
  bool is_saved_result() const { return saved_result_; }

  const std::vector<Item>& items() const { return items_; }
  bool has_star() const;
  // The largest number that is named, without "*"; 0 if there is none. For [RFC3501 9]: a sequence number
  // greater than EXISTS is BAD, and so is "*" in an empty mailbox.
  std::uint32_t max_number() const;

  // The numbers meant when "*" is `star`: EXISTS for sequence numbers, the last UID for UIDs. Reversed ranges
  // are turned [RFC3501 9] ("5:*" with star 3 is 3:5). Numbers above `star` are kept; intersect() them for
  // UIDs. star 0 (nothing there): items with "*" alone vanish, "5:*" is 5.  O(n log n).
  NumberSet resolve(std::uint32_t star) const;

  friend bool operator==(const SequenceSet&, const SequenceSet&) = default;

 private:
  std::vector<Item> items_;
  bool saved_result_ = false;
};

// The numbers of `set` from `low` to `high`.
NumberSet intersect(const NumberSet& set, NumberRange bounds);

void put_number_set(std::string& out, const NumberSet&);  // "1:3,7"; REQUIRES: not empty
void put_sequence_set(std::string& out, const SequenceSet&);

}  // namespace posthorn::imap
