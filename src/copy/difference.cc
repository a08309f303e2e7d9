#include "copy/difference.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace posthorn::copy {
namespace {

std::optional<std::int64_t> seconds_of(const MessageInfo& m) {
  if (!m.date) return {};
  return m.date->time.time_since_epoch().count();
}

}  // namespace

Difference::Difference(std::vector<MessageInfo> source, std::vector<MessageInfo> target)
    : source_(std::move(source)), target_(std::move(target)), left_(source_.size(), true), free_(target_.size(), true) {}

// `key`: of a message; none: it is the same as nothing.
template <class Key>
void Difference::pair_up(Key key, If condition) {
  using Value = typename decltype(key(source_.front()))::value_type;
  std::map<Value, std::deque<std::size_t>> free;
  std::map<Value, std::size_t> sources;
  for (std::size_t s = 0; s < source_.size() && condition == If::only_one; ++s)
    if (left_[s])
      if (auto k = key(source_[s])) ++sources[*std::move(k)];
  for (std::size_t t = 0; t < target_.size(); ++t)
    if (free_[t])
      if (auto k = key(target_[t])) free[*std::move(k)].push_back(t);
  for (std::size_t s = 0; s < source_.size(); ++s) {
    if (!left_[s]) continue;
    const auto k = key(source_[s]);
    const auto found = k ? free.find(*k) : free.end();
    if (found == free.end() || found->second.empty()) continue;
    if (condition == If::only_one && (found->second.size() > 1 || sources[*k] > 1)) continue;
    left_[s] = free_[found->second.front()] = false;
    same_.emplace_back(s, found->second.front());
    found->second.pop_front();
  }
}

void Difference::pair_by_uid() {
  using Key = std::pair<std::uint32_t, std::pair<std::uint64_t, std::int64_t>>;
  pair_up([](const MessageInfo& m) -> std::optional<Key> {
    const auto seconds = seconds_of(m);
    if (m.uid == 0 || !seconds) return {};
    return Key{m.uid, {m.size, *seconds}};
  });
}

void Difference::pair_by_fields(bool by_size) {
  using BySize = std::pair<std::string, std::uint64_t>;
  pair_up([by_size](const MessageInfo& m) -> std::optional<BySize> {
    if (m.fields.empty() || !by_size) return {};
    return BySize{m.fields, m.size};
  });
  using ByDate = std::pair<std::string, std::int64_t>;
  const auto by_date = [](const MessageInfo& m) -> std::optional<ByDate> {
    const auto seconds = seconds_of(m);
    if (m.fields.empty() || !seconds) return {};
    return ByDate{m.fields, *seconds};
  };
  pair_up(by_date, by_size ? If::any : If::only_one);
}

std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> Difference::doubtful() const {
  std::set<std::string> here, there;
  for (std::size_t s = 0; s < source_.size(); ++s)
    if (left_[s]) here.insert(source_[s].fields);
  for (std::size_t t = 0; t < target_.size(); ++t)
    if (free_[t]) there.insert(target_[t].fields);
  std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> out;
  for (std::size_t s = 0; s < source_.size(); ++s)
    if (left_[s] && there.contains(source_[s].fields)) out.first.push_back(source_[s].uid);
  for (std::size_t t = 0; t < target_.size(); ++t)
    if (free_[t] && here.contains(target_[t].fields)) out.second.push_back(target_[t].uid);
  return out;
}

void Difference::pair_by_octets() {
  pair_up([](const MessageInfo& m) -> std::optional<std::string> {
    if (m.fields.size() != sizeof(crypto::Sha256Digest)) return {};
    return m.fields;
  });
}

std::vector<std::size_t> Difference::missing() const {
  std::vector<std::size_t> out;
  for (std::size_t s = 0; s < left_.size(); ++s)
    if (left_[s]) out.push_back(s);
  return out;
}

}  // namespace posthorn::copy
