// Which messages one run asks for.
#pragma once

#include <algorithm>

#include "fetch/journal.h"

namespace posthorn::fetch {

// First all new ones, with a few of those that an earlier run saw refused; then, for as long as one of these few was stored, the next few.
// None is asked for twice.  REQUIRES: the journal outlives it.
class Turns {
 public:
  // Of what `is_listed`.
  Turns(const Journal& journal, const std::function<bool(const std::string& key)>& is_listed)
      : journal_(journal), refused_(journal.refused_in_order(is_listed)), put_off_(refused_.begin(), refused_.end()) {
    take();
  }

  bool has(const std::string& key) const { return now_.contains(key) || (is_first_ && !put_off_.contains(key)); }
  // true: others have their turn.
  bool next() {
    const bool takes = std::ranges::any_of(now_, [this](const std::string& key) { return journal_.stored(key).has_value(); });
    is_first_ = false;
    take();
    return takes && !now_.empty();
  }

 private:
  static constexpr std::size_t kMost = 20;

  void take() {
    now_.clear();
    for (; at_ < refused_.size() && now_.size() < kMost; ++at_) now_.insert(refused_[at_]);
  }

  const Journal& journal_;
  const std::vector<std::string> refused_;
  const Journal::Keys put_off_;
  Journal::Keys now_;
  std::size_t at_ = 0;
  bool is_first_ = true;
};

}  // namespace posthorn::fetch
