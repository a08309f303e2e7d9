// From a POP3 server. [RFC1939]
#include <algorithm>
#include <iterator>
#include <span>
#include <unordered_map>

#include "crypto/digest.h"
#include "fetch/fetch.h"
#include "fetch/pop3_doubts.h"
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

  Result<void> begin(std::uint32_t) override { return of_target(reception_.target().begin({})); }

  Result<void> put(std::string_view piece) override {
    report_.bytes += piece.size();
    if (wanted_[next_]->key.empty())
      digest_.update(piece);
    else
      print_.put(piece);
    return of_target(reception_.target().put(piece));
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
    } else {
      fingerprints_.push_back({.key = one.key, .fingerprint = text_of(print_.finish())});
    }
    auto stored = co_await reception_.end(one.key);
    co_return of_target(std::move(stored));
  }

  Result<void> refused(std::uint32_t number, const pop3::Reply& reply) override {
    ++next_;
    if (options_.on_note)
      options_.on_note("the server does not give message " + std::to_string(number) + ": \"" + reply.text +
                       "\"");
    return {};
  }

  // At which the server has failed; null: it was the target, or nobody.
  const Known* failed_at() const {
    return target_failed_ || next_ == wanted_.size() ? nullptr : wanted_[next_];
  }

  // Of all that came and are stored.  REQUIRES: Reception::finish().
  std::vector<Fingerprinted> fingerprints() {
    std::erase_if(fingerprints_, [&](const Fingerprinted& one) { return !journal_.stored(one.key); });
    return std::move(fingerprints_);
  }

 private:
  Result<void> of_target(Result<void> done) {
    target_failed_ = target_failed_ || !done;
    return done;
  }
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
  bool target_failed_ = false;
  crypto::Sha256 digest_;
  Fingerprint print_;
  std::vector<Fingerprinted> fingerprints_;
  std::unordered_map<std::string, int> alike_;  // by their content
};

// Messages at which connections have failed.  One that has failed once is asked for again, behind all others and
// with no command behind it; one that has failed twice, or any when there were too many, no more in this run.
class Trouble {
 public:
  int count() const { return all_; }
  bool has_failed(const std::string& key) const { return failures_.contains(key); }
  bool is_given_up(const std::string& key) const {
    if (all_ >= kMost) return true;
    const auto found = failures_.find(key);
    return found != failures_.end() && found->second >= kMostOfOne;
  }
  // Unless it is not one of the server's, or the message could not be told again.
  void add(const Known& at, Errc why) {
    constexpr Errc kOfServer[] = {Errc::syntax, Errc::limit, Errc::closed, Errc::timed_out, Errc::io};
    if (at.key.empty() || std::ranges::find(kOfServer, why) == std::end(kOfServer)) return;
    ++all_;
    ++failures_[at.key];
  }

 private:
  static constexpr int kMost = 10, kMostOfOne = 2;
  std::unordered_map<std::string, int> failures_;
  int all_ = 0;
};

// Those that are to come: first those without trouble.  Returns how many these are.
std::size_t find_wanted(std::vector<Known>& all, const Journal& journal, const Trouble& trouble,
                        std::vector<Known*>& wanted) {
  std::vector<Known*> last;
  for (auto& one : all) {
    if ((!one.key.empty() && journal.stored(one.key)) || trouble.is_given_up(one.key)) continue;
    (trouble.has_failed(one.key) ? last : wanted).push_back(&one);
  }
  const auto count = wanted.size();
  wanted.insert(wanted.end(), last.begin(), last.end());
  return count;
}

Task<Result<void>> retrieve(client::Pop3Connection& server, const std::vector<Known*>& wanted, std::size_t together,
                            Intake& intake) {
  std::vector<std::uint32_t> numbers;
  for (const auto* one : wanted) numbers.push_back(one->number);
  const std::span all(numbers);
  if (together > 0) CO_TRY_OK(co_await server.retrieve(all.first(together), intake));
  for (auto i = together; i < all.size(); ++i) CO_TRY_OK(co_await server.retrieve(all.subspan(i, 1), intake));
  co_return Result<void>{};
}

Task<Result<void>> fetch_new(client::Pop3Connection& server, std::vector<Known>& all, Target& target,
                             Journal& journal, WorkerPool& pool, const FetchOptions& options,
                             FetchReport& report, Trouble& trouble) {
  std::vector<Known*> wanted;
  const auto together = find_wanted(all, journal, trouble, wanted);
  if (trouble.count() == 0) report.known = all.size() - wanted.size();
  Reception reception(target, journal, pool, options.batch);
  Intake intake(reception, journal, options, report, wanted);
  auto came = co_await retrieve(server, wanted, together, intake);
  target.drop();
  auto stored = co_await reception.finish();
  report.stored += reception.stored().size();
  const auto fingerprints = intake.fingerprints();
  auto noted = co_await pool.run([&] { return journal.add_fingerprints(fingerprints); });
  if (!stored) co_return stored;  // why the sink has failed, if it has
  if (!noted) co_return noted;
  report.refused = static_cast<std::uint64_t>(
      std::ranges::count_if(all, [&](const Known& one) { return !journal.stored(one.key); }));
  const auto* at = came ? nullptr : intake.failed_at();
  if (!at) co_return came;
  trouble.add(*at, came.error().code);
  if (trouble.is_given_up(at->key) && options.on_note)
    options.on_note("message " + std::to_string(at->number) + " of " + std::to_string(all.size()) +
                    " cannot be fetched: " + came.error().text);
  co_return came;
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

// Numbers of those that were not removed.
Task<Result<std::unordered_set<std::uint32_t>>> remove(client::Pop3Connection& server,
                                                       const std::vector<const Known*>& going,
                                                       Journal& journal, WorkerPool& pool) {
  CO_TRY_OK(co_await doubt_those_that_go(server, going, journal, pool));
  std::vector<std::uint32_t> numbers;
  for (const auto* one : going) numbers.push_back(one->number);
  CO_TRY(const auto refused, co_await server.remove(numbers));
  CO_TRY_OK(co_await server.quit());
  co_return std::unordered_set<std::uint32_t>(refused.begin(), refused.end());
}

// All that one connection can do.
Task<Result<void>> fetch_by(client::Pop3Connection& server, Target& target, Journal& journal, WorkerPool& pool,
                            const FetchOptions& options, FetchReport& report, Trouble& trouble) {
  const bool stays = !options.keep || options.keep->count() > 0, is_first = trouble.count() == 0;
  CO_TRY(auto all, co_await identify(server, stays, journal.has_kind('u')));
  if (is_first) report.on_server = all.size();
  CO_TRY_OK(co_await settle_doubts(server, all, journal, pool));
  CO_TRY_OK(co_await fetch_new(server, all, target, journal, pool, options, report, trouble));
  const auto going = due(all, journal, options);
  Journal::Keys keys, removed;
  for (const auto& one : all) keys.insert(one.key);
  if (going.empty()) {
    co_await server.leave();
    // Nothing has come and nothing has gone.
    if (is_first && report.known == all.size() && journal.size() == all.size()) co_return Result<void>{};
  } else {
    CO_TRY(const auto refused, co_await remove(server, going, journal, pool));
    // A server may give the unique-id of a message that is gone to another one [RFC1939 7].
    for (const auto* one : going)
      if (!refused.contains(one->number)) removed.insert(keys.extract(one->key));
    report.removed = removed.size();
  }
  co_return co_await pool.run([&] { return journal.keep_only(keys, removed); });
}

}  // namespace

Task<Result<void>> fetch_pop3(std::unique_ptr<client::Pop3Connection> server, Pop3Road& road, Target& target,
                              Journal& journal, WorkerPool& pool, FetchOptions options, FetchReport& report) {
  CO_TRY_OK(co_await target.open(journal, pool));
  Trouble trouble;
  for (;;) {
    const auto failures = trouble.count();
    auto done = co_await fetch_by(*server, target, journal, pool, options, report, trouble);
    if (done || trouble.count() == failures) co_return done;
    auto another = co_await road.connect(pool);
    if (!another) co_return done;
    server = *std::move(another);
  }
}

}  // namespace posthorn::fetch
