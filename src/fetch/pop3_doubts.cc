#include "fetch/pop3_doubts.h"

#include <algorithm>
#include <unordered_map>

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

std::vector<std::uint32_t> numbers_of(const Group& group) {
  std::vector<std::uint32_t> out;
  for (const auto* one : group) out.push_back(one->number);
  return out;
}

// Moves from `doubtful` to `believed` those whose prints have the same digest as the journal's.
void believe_alike(Group& doubtful, const Prints& prints, std::string Fingerprint::Digests::* digest,
                   const Journal& journal, std::vector<std::string>& believed) {
  std::erase_if(doubtful, [&](const Known* one) {
    const auto print = prints.of.find(one->number);
    const auto stored = parse_fingerprint(journal.find(one->key)->fingerprint);
    const bool alike =
        print != prints.of.end() && !(stored.*digest).empty() && print->second.*digest == stored.*digest;
    if (alike) believed.push_back(one->key);
    return alike;
  });
}

}  // namespace

Task<Result<void>> settle_doubts(client::Pop3Connection& server, const std::vector<Known>& all, Journal& journal,
                                 WorkerPool& pool) {
  Group doubtful;
  for (const auto& one : all)
    if (const auto* kept = journal.find(one.key); kept && kept->doubted) doubtful.push_back(&one);
  std::vector<std::string> believed;
  if (server.capabilities().top && !doubtful.empty()) {
    Prints prints;
    const auto numbers = numbers_of(doubtful);
    CO_TRY_OK(co_await server.top(numbers, Fingerprint::kLines, prints));
    believe_alike(doubtful, prints, &Fingerprint::Digests::head, journal, believed);
  }
  if (!doubtful.empty()) {
    Prints prints;
    const auto numbers = numbers_of(doubtful);
    CO_TRY_OK(co_await server.retrieve(numbers, prints));
    believe_alike(doubtful, prints, &Fingerprint::Digests::whole, journal, believed);
  }
  if (believed.empty()) co_return Result<void>{};
  co_return co_await pool.run([&] { return journal.believe(believed); });
}

Task<Result<void>> doubt_those_that_go(client::Pop3Connection& server, const std::vector<const Known*>& going,
                                       Journal& journal, WorkerPool& pool) {
  Group without;
  std::vector<std::string> keys;
  for (const auto* one : going) {
    keys.push_back(one->key);
    if (journal.find(one->key)->fingerprint.empty() && !one->is_content()) without.push_back(one);
  }
  Prints prints;
  const auto numbers = numbers_of(without);
  if (server.capabilities().top && !without.empty())
    CO_TRY_OK(co_await server.top(numbers, Fingerprint::kLines, prints));
  std::vector<Fingerprinted> found;
  for (const auto* one : without)
    if (const auto print = prints.of.find(one->number); print != prints.of.end())
      found.push_back({.key = one->key, .fingerprint = text_of({.head = print->second.head, .whole = {}})});
  co_return co_await pool.run([&]() -> Result<void> {
    TRY_OK(journal.add_fingerprints(found));
    return journal.doubt(keys, this_second());
  });
}

}  // namespace posthorn::fetch
