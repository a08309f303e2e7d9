// From a POP3 server. [RFC1939]
#include <algorithm>

#include "crypto/digest.h"
#include "fetch/fetch.h"
#include "fetch/pop3_keys.h"

namespace posthorn::fetch {
namespace {

// Messages from the connection into the reception.
class Intake final : public client::Pop3Sink {
 public:
  Intake(Reception& reception, const Journal& journal, const FetchOptions& options, FetchReport& report,
         std::vector<Known*> wanted)
      : reception_(reception),
        journal_(journal),
        options_(options),
        report_(report),
        wanted_(std::move(wanted)) {}

  Result<void> begin(std::uint32_t) override { return reception_.target().begin({}); }

  Result<void> put(std::string_view piece) override {
    report_.bytes += piece.size();
    if (wanted_[next_]->key.empty()) digest_.update(piece);
    return reception_.target().put(piece);
  }

  Task<Result<void>> end(std::uint32_t) override {
    auto& one = *wanted_[next_++];
    tell();
    if (one.key.empty()) {
      one.key = content_key(crypto::view(digest_.finish()));
      if (const int n = ++alike_[one.key]; n > 1) one.key += "#" + std::to_string(n);
      // An earlier run has stored it, and could not remove it.
      if (journal_.stored(one.key)) {
        reception_.target().drop();
        co_return Result<void>{};
      }
    }
    co_return co_await reception_.end(one.key);
  }

  Result<void> refused(std::uint32_t number, const pop3::Reply& reply) override {
    ++next_;
    if (options_.on_note)
      options_.on_note("the server does not give message " + std::to_string(number) + ": \"" + reply.text +
                       "\"");
    return {};
  }

 private:
  void tell() const {
    if (options_.on_progress)
      options_.on_progress({.messages = next_, .of_messages = wanted_.size(), .bytes = report_.bytes});
  }

  Reception& reception_;
  const Journal& journal_;
  const FetchOptions& options_;
  FetchReport& report_;
  std::vector<Known*> wanted_;
  std::size_t next_ = 0;
  crypto::Sha256 digest_;
  std::unordered_map<std::string, int> alike_;  // by their content
};

Task<Result<void>> fetch_new(client::Pop3Connection& server, std::vector<Known>& all, Target& target,
                             Journal& journal, WorkerPool& pool, const FetchOptions& options,
                             FetchReport& report) {
  std::vector<Known*> wanted;
  std::vector<std::uint32_t> numbers;
  for (auto& one : all) {
    if (!one.key.empty() && journal.stored(one.key)) {
      ++report.known;
      continue;
    }
    wanted.push_back(&one);
    numbers.push_back(one.number);
  }
  Reception reception(target, journal, pool, options.batch);
  Intake intake(reception, journal, options, report, std::move(wanted));
  auto came = co_await server.retrieve(numbers, intake);
  target.drop();
  auto stored = co_await reception.finish();
  report.stored = reception.stored().size();
  if (!stored) co_return stored;  // why the sink has failed, if it has
  if (came)
    report.refused = static_cast<std::uint64_t>(
        std::ranges::count_if(all, [&](const Known& one) { return !journal.stored(one.key); }));
  co_return came;
}

// Stored, and long enough ago.
std::vector<std::uint32_t> due(const std::vector<Known>& all, const Journal& journal,
                               const FetchOptions& options) {
  std::vector<std::uint32_t> out;
  if (!options.keep) return out;
  for (const auto& one : all) {
    const auto when = journal.stored(one.key);
    if (when && is_due(options.keep, *when)) out.push_back(one.number);
  }
  return out;
}

}  // namespace

Task<Result<void>> fetch_pop3(client::Pop3Connection& server, Target& target, Journal& journal,
                              WorkerPool& pool, FetchOptions options, FetchReport& report) {
  CO_TRY_OK(co_await target.open(journal, pool));
  const bool stays = !options.keep || options.keep->count() > 0;
  CO_TRY(auto all, co_await identify(server, stays, journal.has_kind('u')));
  report.on_server = all.size();
  CO_TRY_OK(co_await fetch_new(server, all, target, journal, pool, options, report));
  const auto numbers = due(all, journal, options);
  CO_TRY(const auto refused, co_await server.remove(numbers));
  if (numbers.empty())
    co_await server.leave();
  else
    CO_TRY_OK(co_await server.quit());
  report.removed = numbers.size() - refused.size();
  // Nothing has come and nothing has gone.
  if (numbers.empty() && report.known == all.size() && journal.size() == all.size()) co_return Result<void>{};
  // A server may give the unique-id of a message that is gone to another one [RFC1939 7].
  const std::unordered_set<std::uint32_t> asked(numbers.begin(), numbers.end()),
      stay(refused.begin(), refused.end());
  std::unordered_set<std::string> keys;
  for (auto& one : all)
    if (!asked.contains(one.number) || stay.contains(one.number)) keys.insert(std::move(one.key));
  co_return co_await pool.run([&] { return journal.keep_only(keys); });
}

}  // namespace posthorn::fetch
