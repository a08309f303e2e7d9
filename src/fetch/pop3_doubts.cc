#include "fetch/pop3_doubts.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

namespace posthorn::fetch {
namespace {

// What came of TOP or RETR, by message number.
class Prints final : public client::Pop3Sink {
 public:
  Result<void> begin(std::uint32_t) override { return {}; }
  Result<void> put(std::string_view piece) override {
    print_.put(piece);
    return {};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    of[number] = print_.finish();
    co_return Result<void>{};
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }

  std::unordered_map<std::uint32_t, Fingerprint::Digests> of;

 private:
  Fingerprint print_;
};

using Group = std::vector<const Known*>;

// What is stored under keys that the server does not list.
using Absent = std::vector<const Kept*>;

struct Suspects {
  Group messages;
  Absent absent;
};

// Those that may be stored, though their keys do not say so: in doubt, or known by an id of their own before they
// shared it, or the other way round.
Suspects find_suspects(const std::vector<Known>& all, const Journal& journal) {
  std::unordered_set<std::string_view> listed;
  for (const auto& one : all) listed.insert(one.key);
  Suspects out;
  bool by_id = false, by_header = false;
  for (const auto& [key, kept] : journal.all()) {
    if (kept.fingerprint.empty() || listed.contains(key)) continue;
    out.absent.push_back(&kept);
    (key.starts_with('u') ? by_id : by_header) = true;
  }
  for (const auto& one : all) {
    if (one.key.empty() || journal.stored(one.key)) continue;
    if (journal.find(one.key) || (one.key.starts_with('u') ? by_header : by_id)) out.messages.push_back(&one);
  }
  return out;
}

// Moves to `recognised` those whose prints have the same digest as what is stored; each of that stands for one.
void recognise(Suspects& suspects, const Prints& prints, std::string Fingerprint::Digests::* digest,
               const Journal& journal, std::vector<Recognised>& recognised) {
  std::unordered_map<std::string, const Kept*> absent;
  for (const auto* kept : suspects.absent) absent.emplace(parse_fingerprint(kept->fingerprint).*digest, kept);
  absent.erase("");
  std::erase_if(suspects.messages, [&](const Known* one) {
    const auto print = prints.of.find(one->number);
    if (print == prints.of.end()) return false;
    const auto& looks = print->second.*digest;
    const auto* kept = journal.find(one->key);
    if (!kept || parse_fingerprint(kept->fingerprint).*digest != looks) {
      const auto found = absent.extract(looks);
      if (!found) return false;
      kept = found.mapped();
      std::erase(suspects.absent, kept);
    }
    recognised.push_back({.key = one->key, .as = *kept});
    return true;
  });
}

}  // namespace

Task<Result<void>> settle_doubts(client::Pop3Connection& server, const std::vector<Known>& all, Journal& journal,
                                 WorkerPool& pool, Trouble& trouble) {
  auto suspects = find_suspects(all, journal);
  std::vector<Recognised> recognised;
  if (server.capabilities().top && !suspects.messages.empty()) {
    Prints prints;
    CO_TRY_OK(co_await top(server, suspects.messages, Fingerprint::kLines, prints, trouble));
    recognise(suspects, prints, &Fingerprint::Digests::head, journal, recognised);
    std::erase_if(suspects.messages, [&](const Known* one) { return !journal.find(one->key); });
  }
  if (!suspects.messages.empty()) {
    Prints prints;
    CO_TRY_OK(co_await retrieve(server, suspects.messages, prints, trouble));
    recognise(suspects, prints, &Fingerprint::Digests::whole, journal, recognised);
  }
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
  Prints prints;
  Result<void> looked;
  if (server.capabilities().top && !without.empty())
    looked = co_await top(server, without, Fingerprint::kLines, prints, trouble);
  std::vector<Fingerprinted> found;
  for (const auto* one : without)
    if (const auto print = prints.of.find(one->number); print != prints.of.end())
      found.push_back({.key = one->key, .fingerprint = text_of({.head = print->second.head, .whole = {}})});
  auto noted = co_await pool.run([&] { return journal.add_fingerprints(found); });
  CO_TRY_OK(std::move(looked));
  CO_TRY_OK(std::move(noted));
  std::erase_if(going, [&](const Known* one) { return is_without(one) && trouble.is_given_up(*one); });
  std::vector<std::string> keys;
  for (const auto* one : going) keys.push_back(one->key);
  CO_TRY_OK(co_await pool.run([&] { return journal.doubt(keys, this_second()); }));
  co_return going;
}

}  // namespace posthorn::fetch
