#include "copy/difference.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>

namespace posthorn::copy {

Difference difference_by_uid(const std::vector<MessageInfo>& source, const std::vector<MessageInfo>& target, std::uint32_t uid_next) {
  Difference out;
  std::size_t t = 0;
  for (std::size_t s = 0; s < source.size(); ++s) {
    while (t < target.size() && target[t].uid < source[s].uid) ++t;
    if (t < target.size() && target[t].uid == source[s].uid) out.same.emplace_back(s, t);
    else if (source[s].uid < uid_next) out.gone.push_back(s);
    else out.missing.push_back(s);
  }
  return out;
}

namespace {

// Pairs those of `left` that have the same key as one of the target, each at most once, in their order.
template <class Key>
std::vector<std::size_t> pair_up(const std::vector<MessageInfo>& source, const std::vector<MessageInfo>& target, const std::vector<std::size_t>& left,
                                 std::vector<bool>& taken, Difference& out, Key key) {
  std::map<decltype(key(source.front())), std::deque<std::size_t>> free;
  for (std::size_t t = 0; t < target.size(); ++t)
    if (!taken[t] && !target[t].fields.empty()) free[key(target[t])].push_back(t);
  std::vector<std::size_t> still;
  for (const std::size_t s : left) {
    const auto found = free.find(key(source[s]));
    if (found == free.end() || found->second.empty()) {
      still.push_back(s);
      continue;
    }
    out.same.emplace_back(s, found->second.front());
    taken[found->second.front()] = true;
    found->second.pop_front();
  }
  return still;
}

}  // namespace

Difference difference_by_fields(const std::vector<MessageInfo>& source, const std::vector<MessageInfo>& target) {
  Difference out;
  std::vector<std::size_t> left(source.size());
  for (std::size_t s = 0; s < left.size(); ++s) left[s] = s;
  std::vector<bool> taken(target.size());
  left = pair_up(source, target, left, taken, out, [](const MessageInfo& m) { return std::pair(m.fields, m.size); });
  const bool dated = std::ranges::all_of(source, [](const MessageInfo& m) { return m.date.has_value(); });
  const auto when = [&](const MessageInfo& m) { return dated && m.date ? m.date->time.time_since_epoch().count() : 0; };
  out.missing = pair_up(source, target, left, taken, out, [&](const MessageInfo& m) { return std::pair(m.fields, when(m)); });
  std::ranges::sort(out.same);
  return out;
}

}  // namespace posthorn::copy
