#include "fetch/pop3_doubts.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

namespace posthorn::fetch {
namespace {

// How messages look, by their numbers; where only TOP was asked without WHOLE.
using Looks = std::unordered_map<std::uint32_t, Fingerprint::Digests>;

class Prints final : public client::Pop3Sink {
 public:
  enum class Of : std::uint8_t { top, message };
  Prints(Of of, Looks& looks) : of_(of), looks_(looks) {}
  Result<void> begin(std::uint32_t) override { return {}; }
  Result<void> put(std::string_view piece) override {
    print_.put(piece);
    return {};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    auto& look = looks_[number] = print_.finish();
    if (of_ == Of::top) look.whole.clear();
    co_return Result<void>{};
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }

 private:
  const Of of_;
  Looks& looks_;
  Fingerprint print_;
};

using Group = std::vector<const Known*>;

// Where TOP is offered.
Task<Result<void>> look_at_tops(client::Pop3Connection& server, const Group& group, Looks& looks, Trouble& trouble) {
  if (!server.capabilities().top || group.empty()) co_return Result<void>{};
  Prints prints(Prints::Of::top, looks);
  co_return co_await top(server, group, Fingerprint::kLines, prints, trouble);
}

Task<Result<void>> look_at_messages(client::Pop3Connection& server, const Group& group, Looks& looks, Trouble& trouble) {
  if (group.empty()) co_return Result<void>{};
  Prints prints(Prints::Of::message, looks);
  co_return co_await retrieve(server, group, prints, trouble);
}

// At their tops, and those of which there is none as a whole.
Task<Result<void>> look_at_all(client::Pop3Connection& server, Group group, Looks& looks, Trouble& trouble) {
  CO_TRY_OK(co_await look_at_tops(server, group, looks, trouble));
  std::erase_if(group, [&](const Known* one) { return looks.contains(one->number); });
  co_return co_await look_at_messages(server, group, looks, trouble);
}

// By all that is known of both.
bool look_alike(const Kept& kept, const Fingerprint::Digests& look) {
  const auto stored = parse_fingerprint(kept.fingerprint);
  return stored.head == look.head && (stored.whole.empty() || look.whole.empty() || stored.whole == look.whole);
}

struct Suspects {
  Group messages;
  Absent absent;
};

// Those that may be stored, though their keys do not say so: in doubt, or known by an id of their own before they
// shared it, or the other way round.
Suspects find_suspects(const std::vector<Known>& all, const Journal& journal) {
  Suspects out{.messages = {}, .absent = find_absent(all, journal)};
  const auto is_of_id = [](const Absent::value_type& one) { return one.second->first.starts_with('u'); };
  const bool by_id = std::ranges::any_of(out.absent, is_of_id);
  const bool by_header = !std::ranges::all_of(out.absent, is_of_id);
  for (const auto& one : all) {
    if (one.key.empty() || journal.stored(one.key)) continue;
    if (journal.find(one.key) || (one.key.starts_with('u') ? by_header : by_id)) out.messages.push_back(&one);
  }
  return out;
}

// Moves to `recognised` those that look like what is stored.
void recognise(Suspects& suspects, const Looks& looks, const Journal& journal, std::vector<Recognised>& recognised) {
  std::erase_if(suspects.messages, [&](const Known* one) {
    const auto look = looks.find(one->number);
    if (look == looks.end()) return false;
    const auto* kept = journal.find(one->key);
    if (!kept || !look_alike(*kept, look->second)) kept = take_alike(suspects.absent, look->second);
    if (kept) recognised.push_back({.key = one->key, .as = *kept});
    return kept != nullptr;
  });
}

}  // namespace

Absent find_absent(const std::vector<Known>& all, const Journal& journal) {
  std::unordered_set<std::string_view> listed;
  for (const auto& one : all) listed.insert(one.key);
  Absent out;
  for (const auto& one : journal.all())
    if (!one.second.fingerprint.empty() && !listed.contains(one.first))
      out.emplace(parse_fingerprint(one.second.fingerprint).head, &one);
  return out;
}

const Kept* take_alike(Absent& absent, const Fingerprint::Digests& look) {
  const auto [first, last] = absent.equal_range(look.head);
  const auto found =
      std::find_if(first, last, [&](const auto& one) { return look_alike(one.second->second, look); });
  return found == last ? nullptr : &absent.extract(found).mapped()->second;
}

Task<Result<void>> settle_doubts(client::Pop3Connection& server, const std::vector<Known>& all, Journal& journal,
                                 WorkerPool& pool, Trouble& trouble) {
  auto suspects = find_suspects(all, journal);
  if (suspects.messages.empty()) co_return Result<void>{};
  std::vector<Recognised> recognised;
  Looks tops, wholes;
  CO_TRY_OK(co_await look_at_tops(server, suspects.messages, tops, trouble));
  recognise(suspects, tops, journal, recognised);
  if (server.capabilities().top)
    std::erase_if(suspects.messages, [&](const Known* one) { return !journal.find(one->key); });
  CO_TRY_OK(co_await look_at_messages(server, suspects.messages, wholes, trouble));
  recognise(suspects, wholes, journal, recognised);
  if (recognised.empty()) co_return Result<void>{};
  co_return co_await pool.run([&] { return journal.believe(recognised); });
}

Task<Result<Group>> doubt_those_that_go(client::Pop3Connection& server, Group going, Journal& journal, WorkerPool& pool,
                                        Trouble& trouble) {
  const auto is_without = [&](const Known* one) {
    return !one->is_content() && journal.find(one->key)->fingerprint.empty();
  };
  Group without;
  std::ranges::copy_if(going, std::back_inserter(without), is_without);
  Looks looks;
  auto looked = co_await look_at_all(server, without, looks, trouble);
  std::vector<Fingerprinted> found;
  for (const auto* one : without)
    if (const auto look = looks.find(one->number); look != looks.end())
      found.push_back({.key = one->key, .fingerprint = text_of(look->second)});
  auto noted = co_await pool.run([&] { return journal.add_fingerprints(found); });
  CO_TRY_OK(std::move(looked));
  CO_TRY_OK(std::move(noted));
  std::erase_if(going, is_without);
  std::vector<std::string> keys;
  for (const auto* one : going) keys.push_back(one->key);
  CO_TRY_OK(co_await pool.run([&] { return journal.doubt(keys, this_second()); }));
  co_return going;
}

}  // namespace posthorn::fetch
