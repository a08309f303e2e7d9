#include "store/entry.h"

#include <algorithm>

namespace posthorn::store {

UidSet make_uid_set(std::vector<UidRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const UidRange& a, const UidRange& b) { return a.first < b.first; });
  UidSet out;
  for (const UidRange& r : ranges) {
    const bool touches = !out.empty() && std::uint64_t{r.first.value()} <= std::uint64_t{out.back().last.value()} + 1;
    if (touches) out.back().last = std::max(out.back().last, r.last);
    else out.push_back(r);
  }
  return out;
}

UidSet uid_set_of(const std::vector<Uid>& ascending) {
  UidSet out;
  for (Uid uid : ascending) {
    if (!out.empty() && uid.value() == out.back().last.value() + 1) out.back().last = uid;
    else out.push_back({uid, uid});
  }
  return out;
}

bool contains(const UidSet& set, Uid uid) {
  auto after = std::upper_bound(set.begin(), set.end(), uid, [](Uid u, const UidRange& r) { return u < r.first; });
  return after != set.begin() && uid <= std::prev(after)->last;
}

}  // namespace posthorn::store
