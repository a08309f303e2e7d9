// From a POP3 server. [RFC1939]
#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "async/reactor.h"
#include "crypto/digest.h"
#include "fetch/fetch.h"
#include "fetch/pop3_doubts.h"
#include "fetch/pop3_keys.h"
#include "fetch/pop3_trouble.h"
#include "fetch/turns.h"

namespace posthorn::fetch {
namespace {

// Messages from the connection into the reception.
class Intake final : public client::Pop3Sink {
 public:
  Intake(Reception& reception, const Journal& journal, const FetchOptions& options, FetchReport& report,
         const std::vector<Known*>& wanted, Absent absent)
      : reception_(reception), journal_(journal), options_(options), report_(report), absent_(std::move(absent)) {
    for (auto* one : wanted) wanted_[one->number] = one;
  }

  Result<void> begin(std::uint32_t number) override {
    now_ = wanted_.at(number);
    return reception_.target().begin({});
  }

  Result<void> put(std::string_view piece) override {
    report_.bytes += piece.size();
    if (now_->key.empty()) digest_.update(piece);
    print_.put(piece);
    return reception_.target().put(piece);
  }

  Task<Result<void>> end(std::uint32_t) override {
    tell();
    const auto look = print_.finish();
    if (!now_->key.empty()) {
      fingerprints_.push_back({.key = now_->key, .fingerprint = text_of(look)});
    } else if (is_stored(look)) {
      reception_.target().drop();
      co_return Result<void>{};
    }
    co_return co_await reception_.end(now_->key);
  }

  Result<void> refused(std::uint32_t number, const pop3::Reply& reply) override {
    tell();
    if (options_.on_note)
      options_.on_note("the server does not give message " + std::to_string(number) + ": \"" + reply.text +
                       "\"");
    return {};
  }

  // Of all that came and are stored.  REQUIRES: Reception::finish().
  std::vector<Fingerprinted> fingerprints() {
    std::erase_if(fingerprints_, [&](const Fingerprinted& one) { return !journal_.stored(one.key); });
    return std::move(fingerprints_);
  }
  // Under keys of their contents, which are stored under others.
  const std::vector<Recognised>& recognised() const { return recognised_; }

 private:
  // By its content, which becomes its key: an earlier run has not removed it, or knew it by its header.
  bool is_stored(const Fingerprint::Digests& look) {
    auto& key = now_->key = content_key(crypto::view(digest_.finish()));
    if (const int n = ++alike_[key]; n > 1) key += "#" + std::to_string(n);
    if (journal_.stored(key)) return true;
    const auto* kept = take_alike(absent_, look);
    if (kept) recognised_.push_back({.key = key, .as = *kept});
    return kept != nullptr;
  }
  void tell() {
    ++answered_;
    if (options_.on_progress)
      options_.on_progress({.messages = answered_, .of_messages = wanted_.size(), .bytes = report_.bytes});
  }

  Reception& reception_;
  const Journal& journal_;
  const FetchOptions& options_;
  FetchReport& report_;
  std::unordered_map<std::uint32_t, Known*> wanted_;  // by their numbers
  Known* now_ = nullptr;                              // which is coming
  std::uint64_t answered_ = 0;
  crypto::Sha256 digest_;
  Fingerprint print_;
  Absent absent_;
  std::vector<Fingerprinted> fingerprints_;
  std::vector<Recognised> recognised_;
  std::unordered_map<std::string, int> alike_;  // by their content
};

std::uint64_t count_stored(const std::vector<Known>& all, const Journal& journal) {
  return static_cast<std::uint64_t>(std::ranges::count_if(all, [&](const Known& one) { return journal.stored(one.key).has_value(); }));
}

std::vector<Known*> find_wanted(std::vector<Known>& all, const Journal& journal, const Turns& turns) {
  std::vector<Known*> wanted;
  for (auto& one : all)
    if (!journal.stored(one.key) && turns.has(one.key)) wanted.push_back(&one);
  return wanted;
}

Task<Result<void>> fetch_these(client::Pop3Connection& server, const std::vector<Known*>& wanted, std::vector<Known>& all, Target& target,
                               Journal& journal, WorkerPool& pool, const FetchOptions& options, FetchReport& report, Trouble& trouble) {
  constexpr std::size_t kMany = 100;
  Reception reception(target, journal, pool, options.batch);
  const bool all_have_keys = std::ranges::none_of(wanted, [](const Known* one) { return one->key.empty(); });
  Intake intake(reception, journal, options, report, wanted, all_have_keys ? Absent() : find_absent(all, journal));
  const std::vector<const Known*> asked(wanted.begin(), wanted.end());
  auto came = co_await retrieve(server, asked, intake, trouble);
  target.drop();
  auto stored = co_await reception.finish();
  report.stored += reception.stored().size();
  if (reception.stored().size() >= kMany) trouble.is_rare();
  const auto fingerprints = intake.fingerprints();
  auto noted = co_await pool.run([&]() -> Result<void> {
    TRY_OK(journal.add_fingerprints(fingerprints));
    return journal.believe(intake.recognised());
  });
  if (!stored) (void)trouble.wants_another();
  if (!stored) co_return stored;  // why the sink has failed, if it has
  if (!noted) co_return noted;
  report.refused = all.size() - count_stored(all, journal);
  co_return came;
}

Task<Result<void>> fetch_new(client::Pop3Connection& server, std::vector<Known>& all, Target& target,
                             Journal& journal, WorkerPool& pool, const FetchOptions& options,
                             FetchReport& report, Trouble& trouble) {
  Journal::Keys keys;
  for (const auto& one : all) keys.insert(one.key);
  Turns turns(journal, [&keys](const std::string& key) { return keys.contains(key); });
  if (report.stored == 0) report.known = count_stored(all, journal);
  do {
    const auto wanted = find_wanted(all, journal, turns);
    CO_TRY_OK(co_await fetch_these(server, wanted, all, target, journal, pool, options, report, trouble));
  } while (turns.next());
  co_return Result<void>{};
}

// Stored, and long enough ago.
std::vector<const Known*> due(const std::vector<Known>& all, const Journal& journal, const FetchOptions& options) {
  std::vector<const Known*> out;
  if (!options.keep) return out;
  for (const auto& one : all) {
    const auto when = journal.stored(one.key);
    if (when && is_due(options.keep, *when)) out.push_back(&one);
  }
  return out;
}

// Keys of those that were removed.
Task<Result<Journal::Keys>> remove(client::Pop3Connection& server, std::vector<const Known*> due, Journal& journal,
                                   WorkerPool& pool, Trouble& trouble) {
  CO_TRY(const auto going, co_await doubt_those_that_go(server, std::move(due), journal, pool, trouble));
  std::vector<std::uint32_t> numbers;
  Journal::Keys keys;
  for (const auto* one : going) numbers.push_back(one->number);
  CO_TRY(const auto refused, co_await server.remove(numbers));
  CO_TRY_OK(co_await server.quit());
  const std::unordered_set<std::uint32_t> left(refused.begin(), refused.end());
  for (const auto* one : going)
    if (!left.contains(one->number)) keys.insert(one->key);
  co_return keys;
}

// Keys that may stand for what is there; for a message that has none now one of a header may.
Journal::Keys listed_keys(const std::vector<Known>& all, const Journal& journal) {
  Journal::Keys keys;
  for (const auto& one : all) keys.insert(one.key);
  if (!keys.erase("")) return keys;
  for (const auto& [key, kept] : journal.all())
    if (key.starts_with('h') && kept.fingerprint.empty()) keys.insert(key);
  return keys;
}

// All that one connection can do.
Task<Result<void>> fetch_by(client::Pop3Connection& server, Target& target, Journal& journal, WorkerPool& pool,
                            const FetchOptions& options, FetchReport& report, Trouble& trouble) {
  const bool stays = !options.keep || options.keep->count() > 0;
  CO_TRY(auto all, co_await identify(server, stays, journal.has_kind('u'), trouble));
  if (report.stored == 0) report.on_server = all.size();
  CO_TRY_OK(co_await settle_doubts(server, all, journal, pool, trouble));
  CO_TRY_OK(co_await fetch_new(server, all, target, journal, pool, options, report, trouble));
  auto going = due(all, journal, options);
  auto keys = listed_keys(all, journal);
  Journal::Keys removed;
  if (going.empty()) {
    co_await server.leave();
    // Nothing has come and nothing has gone.
    if (report.known == all.size() && journal.size() == all.size()) co_return Result<void>{};
  } else {
    CO_TRY(removed, co_await remove(server, std::move(going), journal, pool, trouble));
    // A server may give the unique-id of a message that is gone to another one [RFC1939 7].
    for (const auto& key : removed) keys.erase(key);
    report.removed = removed.size();
  }
  co_return co_await pool.run([&] { return journal.keep_only(keys, removed); });
}

// Servers may hold the maildrop for a while when a connection is lost, and not all have [IN-USE] to say so
// [RFC2449 8.1.2]: a refusal is not one of the password, which was good before.
Task<Result<std::unique_ptr<client::Pop3Connection>>> connect_again(Pop3Road& road, WorkerPool& pool) {
  constexpr Errc kRefusals[] = {Errc::busy, Errc::denied, Errc::invalid};
  auto connected = co_await road.connect(pool);
  for (const int seconds : {2, 10, 30}) {
    if (connected || std::ranges::find(kRefusals, connected.error().code) == std::end(kRefusals)) break;
    co_await sleep_for(std::chrono::seconds(seconds));
    connected = co_await road.connect(pool);
  }
  co_return connected;
}

}  // namespace

Task<Result<void>> fetch_pop3(std::unique_ptr<client::Pop3Connection> server, Pop3Road& road, Target& target,
                              Journal& journal, WorkerPool& pool, FetchOptions options, FetchReport& report) {
  CO_TRY_OK(co_await target.open(journal, pool));
  Trouble trouble(options.on_note);
  for (;;) {
    auto done = co_await fetch_by(*server, target, journal, pool, options, report, trouble);
    if (done || !trouble.wants_another()) co_return done;
    server.reset();
    auto another = co_await connect_again(road, pool);
    if (!another) co_return fail(Errc::busy, done.error().text + "; then: " + another.error().text);
    server = *std::move(another);
  }
}

}  // namespace posthorn::fetch
