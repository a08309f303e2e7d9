// How far the index of a mailbox has got: the row in Space::index_state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace posthorn::search {

struct IndexState {
  // Words of one segment, to be merged with those of the next ones.
  struct Small {
    Uid first;
    std::uint64_t bytes = 0;  // about what they take in memory
  };

  Uid until{0};              // entries up to this UID are in segments
  std::uint64_t rows = 0;    // of a column, in the segments up to there
  bool rebuilding = false;   // there may be older segments behind `until`
  bool words = false;        // the segments up to there have words
  std::vector<Small> small;  // the newest words, ascending

  std::string encode() const;
  static Result<IndexState> decode(std::string_view);
};

}  // namespace posthorn::search
