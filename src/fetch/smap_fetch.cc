// From a folder of an SMAP server. [SMAP1]
#include <algorithm>

#include "crypto/digest.h"
#include "fetch/fetch.h"
#include "fetch/turns.h"
#include "proto/smap/flags.h"

namespace posthorn::fetch {
namespace {

// A message of the open folder.
struct Listed {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  std::string key;
  Facts facts;
};

// UIDs are words of any bytes, unique in the folder for ever [SMAP1 6.1]: as they are where a journal can keep them, else by their digests.
std::string key_of(const std::string& uid) {
  const bool plain = uid.size() <= 200 && std::ranges::all_of(uid, [](char c) { return c > ' ' && c < 0x7f; });
  return plain ? "s" + uid : "S" + crypto::to_hex(crypto::view(crypto::sha256(uid)));
}

Facts facts_of(const smap::FetchReply& told) {
  Facts out;
  if (told.date) out.internal_date = SysTime(told.date->time);
  const auto flags = told.flags.value_or(0);
  if (flags & smap::kDraft) out.flags += 'D';
  if (flags & smap::kMarked) out.flags += 'F';
  if (flags & smap::kReplied) out.flags += 'R';
  if (flags & smap::kSeen) out.flags += 'S';
  return out;
}

// All of the folder, by numbers.  What is not known by its own UID is neither fetched nor removed.
Task<Result<std::vector<Listed>>> list_folder(client::SmapConnection& server, const client::SmapPath& folder) {
  CO_TRY(const auto count, co_await server.open_folder(folder));
  CO_TRY(const auto told, co_await server.fetch({.flags = true, .uid = true, .size = true, .date = true}));
  if (told.size() < count) co_return fail(Errc::busy, "of " + std::to_string(count) + " messages the server listed " + std::to_string(told.size()));
  std::vector<Listed> out;
  std::unordered_set<std::string> keys;
  for (const auto& one : told) {
    if (!one.uid) co_return fail(Errc::syntax, "the server does not tell the UIDs of messages");
    auto key = key_of(*one.uid);
    if (!keys.insert(key).second) co_return fail(Errc::syntax, "the server gives two messages the UID " + *one.uid);
    out.push_back({.number = one.number, .size = one.size.value_or(0), .key = std::move(key), .facts = facts_of(one)});
  }
  co_return out;
}

class Intake final : public client::SmapSink {
 public:
  Intake(Reception& reception, const FetchOptions& options, FetchReport& report, const std::vector<const Listed*>& wanted)
      : reception_(reception), options_(options), report_(report), wanted_(wanted) {}

  Task<Result<void>> begin(std::uint32_t number) override {
    now_ = *std::ranges::lower_bound(wanted_, number, {}, [](const Listed* one) { return one->number; });
    co_return reception_.target().begin(now_->facts);
  }
  Task<Result<void>> write(std::string_view octets) override {
    report_.bytes += octets.size();
    co_return reception_.target().put(octets);
  }
  Task<Result<void>> end(std::uint32_t) override {
    if (options_.on_progress) options_.on_progress({.messages = ++came_, .of_messages = wanted_.size(), .bytes = report_.bytes});
    co_return co_await reception_.end(now_->key, now_->facts);
  }
  void drop() override { reception_.target().drop(); }

 private:
  Reception& reception_;
  const FetchOptions& options_;
  FetchReport& report_;
  const std::vector<const Listed*>& wanted_;
  const Listed* now_ = nullptr;
  std::uint64_t came_ = 0;
};

Journal::Keys keys_of(const std::vector<Listed>& all) {
  Journal::Keys out;
  for (const auto& one : all) out.insert(one.key);
  return out;
}

Task<Result<void>> fetch_these(client::SmapConnection& server, const std::vector<const Listed*>& wanted, Target& target, Journal& journal,
                               WorkerPool& pool, const FetchOptions& options, FetchReport& report) {
  if (wanted.empty()) co_return Result<void>{};
  std::vector<client::SmapWanted> asked;
  for (const auto* one : wanted) asked.push_back({.number = one->number, .size = one->size});
  Reception reception(target, journal, pool, options.batch);
  Intake intake(reception, options, report, wanted);
  std::vector<std::uint32_t> refused;
  auto came = co_await server.fetch_content("ALL", std::move(asked), intake, refused);
  target.drop();
  auto stored = co_await reception.finish();
  report.stored += reception.stored().size();
  if (!stored) co_return stored;  // why the sink has failed, if it has
  co_return came;
}

Task<Result<void>> fetch_new(client::SmapConnection& server, const std::vector<Listed>& all, Target& target, Journal& journal, WorkerPool& pool,
                             const FetchOptions& options, FetchReport& report) {
  const auto is_stored = [&](const Listed& one) { return journal.stored(one.key).has_value(); };
  const auto count_stored = [&] { return static_cast<std::uint64_t>(std::ranges::count_if(all, is_stored)); };
  report.known = count_stored();
  Turns turns(journal, [keys = keys_of(all)](const std::string& key) { return keys.contains(key); });
  do {
    std::vector<const Listed*> wanted;
    for (const auto& one : all)
      if (!is_stored(one) && turns.has(one.key)) wanted.push_back(&one);
    CO_TRY_OK(co_await fetch_these(server, wanted, target, journal, pool, options, report));
  } while (turns.next());
  report.refused = all.size() - count_stored();
  co_return Result<void>{};
}

// So many at a time as one command can name; `all` is the folder as it is afterwards.  Answers with what is gone then.
Task<Result<Journal::Keys>> remove_due(client::SmapConnection& server, const client::SmapPath& folder, std::vector<Listed>& all, const Journal& journal,
                              const FetchOptions& options, FetchReport& report) {
  Journal::Keys due, removed;
  for (const auto& one : all) {
    const auto when = journal.stored(one.key);
    if (when && is_due(options.keep, *when)) due.insert(one.key);
  }
  if (due.empty()) co_return removed;
  // What somebody else has removed meanwhile is none of ours.
  CO_TRY(all, co_await list_folder(server, folder));
  while (!due.empty()) {
    std::vector<std::uint32_t> numbers;
    std::size_t ranges = 0;
    Journal::Keys keys;
    for (const auto& one : all) {
      if (!due.contains(one.key)) continue;
      const bool goes_on = !numbers.empty() && numbers.back() + 1 == one.number;
      if (!goes_on && ranges == client::SmapConnection::kMostRanges) break;
      ranges += goes_on ? 0 : 1;
      numbers.push_back(one.number);
      keys.insert(one.key);
    }
    if (numbers.empty()) break;  // the others have gone meanwhile
    CO_TRY_OK(co_await server.expunge(client::smap_ranges(numbers)));
    // Messages have other numbers now, and what is there still is known by its UID alone.
    CO_TRY(all, co_await list_folder(server, folder));
    for (const auto& key : keys) due.erase(key);
    for (const auto& one : all) keys.erase(one.key);
    removed.merge(keys);
    report.removed = removed.size();
  }
  co_return removed;
}

}  // namespace

Task<Result<void>> fetch_smap(client::SmapConnection& server, client::SmapPath folder, Target& target, Journal& journal, WorkerPool& pool,
                              FetchOptions options, FetchReport& report) {
  CO_TRY_OK(co_await target.open(journal, pool));
  CO_TRY(auto all, co_await list_folder(server, folder));
  report.on_server = all.size();
  CO_TRY_OK(co_await fetch_new(server, all, target, journal, pool, options, report));
  CO_TRY(const auto removed, co_await remove_due(server, folder, all, journal, options, report));
  co_await server.logout();
  const auto listed = keys_of(all);
  // [SMAP1 6.1] No message gets the UID of another one.
  const auto sight_of = [&](const std::string& key) { return listed.contains(key) ? Sight::seen : removed.contains(key) ? Sight::gone : Sight::unseen; };
  co_return co_await pool.run([&] { return journal.keep(sight_of); });
}

}  // namespace posthorn::fetch
