// Result options of SEARCH and SORT: which of the found messages they speak of. [RFC4731] [RFC5182] [RFC9394] [RFC5267]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/imap/command.h"
#include "server/imap/message_set.h"
#include "store/view.h"

namespace posthorn::imap {

// Positions [begin, end) of a list of results.
struct Positions {
  std::size_t begin = 0, end = 0;
};
Positions positions_of(ResultRange, std::size_t results);

// The results that are returned and saved, in the order of the list: with MIN, MAX and PARTIAL only what they name; with ALL, COUNT, or
// none of these, all [RFC5182 2.4] [RFC9394 3.2].
std::vector<std::uint32_t> results_meant(const SearchReturn&, const std::vector<std::uint32_t>& results);

// "$" for these entries, in any order.
store::UidSet saved_set(std::vector<std::uint32_t> indexes, const store::View&);

// Appends `number` to a sequence-set whose last range is [range.first, range.last] and not yet written; writes that range when the
// number does not continue it.  Numbers come in any order; ranges ascend [RFC5267 3.2].
class RangeWriter {
 public:
  explicit RangeWriter(std::string& out) : out_(out) {}
  void add(std::uint32_t number) {
    if (first_ != 0 && number == last_ + 1) {
      last_ = number;
      return;
    }
    finish();
    first_ = last_ = number;
  }
  void finish();

 private:
  std::string& out_;
  std::uint32_t first_ = 0, last_ = 0;  // 0: none yet
  bool is_first_ = true;
};

}  // namespace posthorn::imap
