// Walks over the entries that a selection asks for, in bounded steps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "kv/store.h"
#include "queue/entry.h"
#include "queue/select.h"

namespace posthorn::queue {

class Walk {
 public:
  struct Match {
    GroupId id;
    std::shared_ptr<const Entry> entry;
    Group group;
  };
  struct Found {
    std::vector<Match> groups;  // those that fit
    std::uint64_t examined = 0;
    Position next;              // empty: no more
  };
  static constexpr std::size_t kMostRows = 1000;

  Walk(kv::Store&, Selection, Position from);
  // Looks at `rows` rows at most (1..kMostRows), and goes on behind them the next time.
  Task<Result<Found>> next(std::size_t rows);

 private:
  kv::Store& store_;
  Selection selection_;
  std::string from_, to_;
  std::shared_ptr<const Entry> entry_;  // that of the groups which come
  EntryId entry_id_;
};

}  // namespace posthorn::queue
