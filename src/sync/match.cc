#include "sync/match.h"

#include <map>
#include <optional>

#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::sync {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

// Pairs what has the same key, in order; with `only_single` just keys that stand once on each side.
template <class Key>
void pair_by(std::span<const Fingerprint> here, std::span<const Fingerprint> there, std::vector<bool>& used_here, std::vector<bool>& used_there,
             Key key, bool only_single, Pairs& out) {
  std::map<std::string, std::vector<std::size_t>> of_there, of_here;
  for (std::size_t i = 0; i < there.size(); ++i)
    if (auto k = used_there[i] ? std::nullopt : key(there[i])) of_there[*k].push_back(i);
  for (std::size_t i = 0; i < here.size(); ++i)
    if (auto k = used_here[i] ? std::nullopt : key(here[i])) of_here[*k].push_back(i);
  for (const auto& [k, mine] : of_here) {
    const auto found = of_there.find(k);
    if (found == of_there.end()) continue;
    const auto& theirs = found->second;
    if (only_single && (mine.size() != 1 || theirs.size() != 1)) continue;
    for (std::size_t i = 0; i < std::min(mine.size(), theirs.size()); ++i) {
      used_here[mine[i]] = used_there[theirs[i]] = true;
      out.emplace_back(mine[i], theirs[i]);
    }
  }
}

}  // namespace

void read_header(Fingerprint& out, std::string_view header) {
  const message::HeaderView view(header);
  if (const auto id = view.find("Message-ID")) out.message_id = message::unfold(id->value);
  if (const auto date = view.find("Date")) out.date = message::unfold(date->value);
}

Pairs match(std::span<const Fingerprint> here, std::span<const Fingerprint> there, Among among) {
  Pairs out;
  std::vector<bool> used_here(here.size()), used_there(there.size());
  using Key = std::optional<std::string>;
  const auto by_size = [](const Fingerprint& f) { return f.message_id.empty() ? Key() : Key(f.message_id + "\n" + std::to_string(f.size)); };
  const auto by_date = [](const Fingerprint& f) { return f.message_id.empty() ? Key() : Key(f.message_id + "\n" + f.date); };
  const auto by_all = [](const Fingerprint& f) {
    return f.message_id.empty() ? Key(f.date + "\n" + std::to_string(f.size) + "\n" + std::to_string(f.time)) : Key();
  };
  const auto by_rest = [](const Fingerprint& f) {
    return f.message_id.empty() && !f.date.empty() ? Key(f.date + "\n" + std::to_string(f.size)) : Key();
  };
  pair_by(here, there, used_here, used_there, by_size, false, out);
  pair_by(here, there, used_here, used_there, by_date, true, out);
  pair_by(here, there, used_here, used_there, by_all, false, out);
  if (among == Among::just_sent) pair_by(here, there, used_here, used_there, by_rest, true, out);
  return out;
}

}  // namespace posthorn::sync
